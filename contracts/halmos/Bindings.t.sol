// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {SignedInferenceVerifier} from "../src/SignedInferenceVerifier.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {ISignedInferenceVerifier} from "../src/interfaces/ISignedInferenceVerifier.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {OddVerifier} from "../test/mocks/OddVerifier.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev A registry that says of every model what it was told last. A binding has to hold against a registry that lies.
contract FickleRegistry {
    IERC7992Registry.ModelCommitment private _commitment;

    function say(bytes32 circuitHash, bytes32 vkHash, bytes4 proofSystemId) external {
        (_commitment.circuitHash, _commitment.vkHash, _commitment.proofSystemId) = (circuitHash, vkHash, proofSystemId);
    }

    function getModel(uint256) external view returns (IERC7992Registry.ModelCommitment memory, bool, address) {
        return (_commitment, false, address(this));
    }
}

/// @dev Any model of one input and one output. `stopModel` has properties of its own: of proofs of two lengths, in two claims of
/// instances of three, halmos does not follow every path to its end.
abstract contract OneBinding is Symbolic {
    bytes4 internal constant STOP = IVerifierStop.stopModel.selector;

    FickleRegistry internal registry;
    uint256 internal model;

    function _circuit() internal pure returns (Circuit memory) {
        return Circuit({
            settingsHash: keccak256("settings"),
            inputVisibility: Visibility.Public,
            rows: 1,
            inputs: _tensor(),
            outputs: _tensor()
        });
    }

    /// @dev Two claims of whatever instances.
    function _stop(address caller, address verifier, bytes memory first, bytes memory second) internal returns (bool) {
        return _call(
            caller,
            verifier,
            abi.encodeCall(IVerifierStop.stopModel, (model, _claim("first", first), _claim("second", second)))
        );
    }

    function _claim(string memory name, bytes memory proof) private returns (IVerifierStop.Claim memory) {
        uint256[] memory instances = new uint256[](2);
        (instances[0], instances[1]) = (svm.createUint256(name), svm.createUint256(name));
        return IVerifierStop.Claim({instances: instances, proof: proof});
    }

    function _tensor() private pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](1);
        tensors[0] = Tensor({elements: 1, scale: 0});
    }
}

contract EzklVerifierProof is OneBinding {
    EzklVerifier private verifier;
    OddVerifier private generated;

    function setUp() external {
        registry = new FickleRegistry();
        verifier = new EzklVerifier(IModelRegistry(address(registry)), address(0));
        generated = new OddVerifier(abi.encode(true));
        new OddVerifier(abi.encode(true)); // of the same code
        model = svm.createUint256("model");
        registry.say(CircuitLib.hash(_circuit()), address(generated).codehash, verifier.proofSystemId());
        verifier.bind(model, _circuit(), address(generated));
    }

    /// @dev That there is a binding to speak of.
    function check_whatIsBoundIsKept() external view {
        _assertBinding();
    }

    /// @dev Whatever anybody calls but `stopModel`, and whatever the registry says by then.
    function check_aBindingNeverChanges(address caller, bytes32 circuitHash, bytes32 vkHash) external {
        registry.say(circuitHash, vkHash, verifier.proofSystemId());
        _anyCallBut(STOP, caller, address(verifier), "EzklVerifier");
        _assertBinding();
    }

    /// @dev Whoever stops the model, by whatever contradiction.
    function check_aStopLeavesTheBinding(address caller) external {
        vm.assume(_stop(caller, address(verifier), "any", "other"));
        assert(verifier.isStopped(model));
        _assertBinding();
    }

    function _assertBinding() private view {
        (address target, uint32 inputs, uint32 outputs) = verifier.bindingOf(model);
        assert(target == address(generated) && inputs == 1 && outputs == 1);
    }
}

/// @dev A panel of any one signer and any admin.
contract SignedInferenceVerifierProof is OneBinding {
    SignedInferenceVerifier private verifier;
    address private admin;
    bytes32 private panelHash;

    function setUp() external {
        registry = new FickleRegistry();
        verifier = new SignedInferenceVerifier(IModelRegistry(address(registry)), address(0));
        model = svm.createUint256("model");
        admin = svm.createAddress("admin");
        address[] memory signers = new address[](1);
        signers[0] = svm.createAddress("signer");
        vm.assume(signers[0] != address(0));
        ISignedInferenceVerifier.Panel memory panel =
            ISignedInferenceVerifier.Panel({admin: admin, threshold: 1, signers: signers});
        panelHash = keccak256(abi.encode(panel));
        registry.say(CircuitLib.hash(_circuit()), verifier.hashOf(panel), verifier.proofSystemId());
        verifier.bind(model, _circuit(), panel);
    }

    /// @dev That there is a panel to speak of.
    function check_whatIsBoundIsKept() external view {
        assert(_panelHash() == panelHash);
        assert(_fixed() == uint224(uint160(admin)) | uint224(1) << 160 | uint224(1) << 192);
    }

    /// @dev Whatever anybody calls but `stopModel`, and whatever the registry says by then: the admin and the instances stay, and
    /// the panel too unless its admin rotates it.
    function check_onlyTheAdminRotatesAPanel(address caller, bytes32 circuitHash, bytes32 vkHash) external {
        registry.say(circuitHash, vkHash, verifier.proofSystemId());
        uint224 before = _fixed();
        bytes memory data = svm.createCalldata("SignedInferenceVerifier");
        vm.assume(bytes4(data) != STOP);
        _call(caller, address(verifier), data);
        assert(_fixed() == before);
        if (bytes4(data) != verifier.rotate.selector || caller != admin) assert(_panelHash() == panelHash);
    }

    /// @dev Whoever stops the model, by whatever contradiction that the signer has signed.
    function check_aStopLeavesThePanel(address caller) external {
        uint224 before = _fixed();
        vm.assume(_stop(caller, address(verifier), _signature(), _signature()));
        assert(verifier.isStopped(model));
        assert(_panelHash() == panelHash && _fixed() == before);
    }

    /// @dev Any one of the first signer.
    function _signature() private returns (bytes memory) {
        uint8 v = uint8(svm.createUint256("v"));
        return abi.encodePacked(uint8(0), uint16(65), svm.createBytes32("r"), svm.createBytes32("s"), v);
    }

    function _panelHash() private view returns (bytes32) {
        return keccak256(abi.encode(verifier.panelOf(model)));
    }

    /// @dev The admin and how many instances there are, as they lie in storage: the latter are not shown.
    function _fixed() private view returns (uint224) {
        return uint224(uint256(vm.load(address(verifier), keccak256(abi.encode(model, uint256(3))))));
    }
}
