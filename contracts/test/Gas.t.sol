// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {Grade} from "../src/Grade.sol";
import {InferenceIndex} from "../src/InferenceIndex.sol";
import {InputOpening} from "../src/InputOpening.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IEzklVerifier} from "../src/interfaces/IEzklVerifier.sol";
import {IHalo2Verifier} from "../src/interfaces/IHalo2Verifier.sol";
import {IInferenceDesk} from "../src/interfaces/IInferenceDesk.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IInferenceIndex} from "../src/interfaces/IInferenceIndex.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {IInputOpening} from "../src/interfaces/IInputOpening.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {DeskStage} from "./DeskStage.sol";
import {Metered} from "./Metered.sol";
import {Stage} from "./Stage.sol";
import {ICoin} from "./mocks/Coin.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev What the bridge costs on top of the verification itself, for 8 instances and a proof of 2 KB.
/// forge-config: default.isolate = true
contract GasTest is Stage, Metered {
    uint256[] private _values = _instances(0);
    bytes private _proof = halo2.mockProve(_values);
    Inference private _told = _inference(_values);
    InferenceIndex private _index = new InferenceIndex(ledger);

    /// @dev Of these, 37 511 are the price of the design itself: three cold accounts, two cold slots read, one slot written,
    /// one event.
    function test_aRecordedInferenceCostsLessThan45000GasAboveItsVerification() external {
        bytes memory store = abi.encodeCall(
            IInferenceLedger.verifyAndStoreInference, (model, _told.inputCommitment, _told.output, _told.proof)
        );
        uint256 overhead = _of(address(ledger), store) - _verification();
        _snapshot("an inference is verified and recorded, above its verification", overhead);
        vm.assertLt(overhead, 45_000);

        uint256 again = _of(address(ledger), store);
        _snapshot("an inference that is recorded already is submitted again", again);
        vm.assertLt(again, 5_000);
    }

    function test_aVerifiedInferenceCostsLessThan26000GasAboveItsVerification() external {
        uint256 overhead = _of(
            address(gateway),
            abi.encodeCall(IInferenceGateway.verifyAndGrade, (model, _told.inputCommitment, _told.output, _told.proof))
        ) - _verification();
        _snapshot("an inference is verified and not recorded, above its verification", overhead);
        vm.assertLt(overhead, 26_000);
    }

    function test_aRecordIsReadAndIndexed() external {
        ledger.verifyAndStoreInference(model, _told.inputCommitment, _told.output, _told.proof);
        bytes memory read =
            abi.encodeCall(IInferenceLedger.isVerified, (model, _told.inputCommitment, _told.output, Grade.Proven));
        _snapshot("a record is asked for", _of(address(ledger), read));
        bytes memory index = abi.encodeCall(IInferenceIndex.index, (model, _told.inputCommitment, _told.output));
        _snapshot("a record is indexed, the first of its model", _of(address(_index), index));
    }

    function test_aModelIsRegisteredAndBound() external {
        MockHalo2Verifier verifier = new MockHalo2Verifier("two", INPUTS + OUTPUTS, PROOF_WORDS);
        bytes memory register = abi.encodeCall(IERC7992Registry.registerModel, (_commitment(address(verifier))));
        _snapshot("a model is registered", _of(address(registry), register));
        uint256 modelId = registry.registerModel(_other(address(verifier)));
        bytes memory bind = abi.encodeCall(IEzklVerifier.bind, (modelId, _circuit(), address(verifier)));
        _snapshot("a model is bound to its verifier", _of(address(ezkl), bind));
        bytes memory create = abi.encodeCall(IModelRegistry.createLine, ("line"));
        _snapshot("a line of versions is created", _of(address(registry), create));
        bytes memory append =
            abi.encodeCall(IModelRegistry.appendVersion, (registry.lineIdOf(STRANGER, "line"), modelId));
        _snapshot("a version is appended to a line", _of(address(registry), append));
    }

    function test_aHiddenInputIsHashed() external {
        InputOpening opening = new InputOpening();
        for (uint256 words = 1; words <= 64; words *= 64) {
            bytes memory data = abi.encodeCall(IInputOpening.hashOf, (new uint256[](words)));
            string memory sentence =
                words == 1 ? "a hidden input of 1 word is hashed" : "a hidden input of 64 words is hashed";
            _snapshot(sentence, _of(address(opening), data));
        }
    }

    /// @dev Each row has 4 inputs and 4 outputs.
    function test_aBatchOf32RowsCostsLittleForEach() external {
        uint32 rows = 32;
        Circuit memory circuit = _circuit();
        (circuit.rows, circuit.inputs, circuit.outputs) = (rows, _tensors(INPUTS * rows), _tensors(OUTPUTS * rows));
        uint256[] memory instances = new uint256[]((INPUTS + OUTPUTS) * rows);
        for (uint256 i = 0; i < instances.length; ++i) {
            instances[i] = uint256(keccak256(abi.encode(i))) >> 3;
        }
        MockHalo2Verifier verifier = new MockHalo2Verifier("batch", instances.length, PROOF_WORDS);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(verifier));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 modelId = registry.registerModel(commitment);
        ezkl.bind(modelId, circuit, address(verifier));

        bytes memory proof = verifier.mockProve(instances);
        uint256 verification = _of(address(verifier), abi.encodeCall(IHalo2Verifier.verifyProof, (proof, instances)));
        bytes memory store =
            abi.encodeCall(IInferenceLedger.verifyAndStoreBatch, (modelId, circuit, abi.encode(instances, proof)));
        _snapshot(
            "a batch of 32 rows is verified and recorded, above its verification",
            _of(address(ledger), store) - verification
        );
    }

    function _verification() private returns (uint256) {
        return _of(address(halo2), abi.encodeCall(IHalo2Verifier.verifyProof, (_proof, _values)));
    }

    function _of(address target, bytes memory data) private returns (uint256) {
        return _executed(STRANGER, target, 0, data);
    }

    /// @dev A second model for the same verifier.
    function _other(address verifier) private view returns (IERC7992Registry.ModelCommitment memory commitment) {
        commitment = _commitment(verifier);
        commitment.modelHash = keccak256("other model");
    }
}

/// @dev What the steps of a request cost, for an input of 128 bytes, and requester and claimer that are keys. Of a request in the
/// native coin, 110 500 are the five slots that it is kept in.
/// forge-config: default.isolate = true
contract DeskGasTest is DeskStage, Metered {
    function test_theStepsOfARequestInTheNativeCoin() external {
        _measureSteps(NATIVE, "a request in the native coin is ");
    }

    function test_theStepsOfARequestInAToken() external {
        _measureSteps(coin, "a request in a token is ");
    }

    function _measureSteps(address token, string memory asked) private {
        Inference memory told = _inference(_instances(0));
        ledger.verifyAndStoreInference(model, told.inputCommitment, told.output, told.proof);
        _fulfil(_claimed(token, told), told); // so that nothing is the first of its kind
        vm.deal(CLAIMER, CLAIMER.balance + 1);
        ICoin(coin).mint(REQUESTER, 1);
        ICoin(coin).mint(address(desk), 1);

        IInferenceDesk.Order memory order = _order(token, told.inputCommitment);
        uint256 value = _fund(token, REQUESTER, FEE);
        bytes memory data = abi.encodeCall(IInferenceDesk.request, (order, new bytes(128)));
        bytes32 id = _requestId(1, REQUESTER, order);
        _measure(string.concat(asked, "made"), REQUESTER, value, data);
        value = _fund(token, CLAIMER, BOND);
        _measure(string.concat(asked, "claimed"), CLAIMER, value, abi.encodeCall(IInferenceDesk.claim, (id)));
        data = abi.encodeCall(IInferenceDesk.fulfil, (id, told.output, ""));
        _measure(string.concat(asked, "fulfilled by what is recorded already"), CLAIMER, 0, data);

        uint256[] memory instances = _instances(1);
        told = _inference(instances);
        id = _claimed(token, told);
        data = abi.encodeCall(IHalo2Verifier.verifyProof, (halo2.mockProve(instances), instances));
        uint256 verification = _executed(STRANGER, address(halo2), 0, data);
        data = abi.encodeCall(IInferenceDesk.fulfil, (id, told.output, told.proof));
        uint256 gas = _executed(CLAIMER, address(desk), 0, data) - verification;
        _snapshot(string.concat(asked, "fulfilled and recorded, above its verification"), gas);

        id = _claimed(token, told);
        vm.warp(block.timestamp + CLAIM_SECONDS + 1);
        _measure(string.concat(asked, "refunded"), STRANGER, 0, abi.encodeCall(IInferenceDesk.refund, (id)));
    }

    function _measure(string memory sentence, address sender, uint256 value, bytes memory data) private {
        _snapshot(sentence, _executed(sender, address(desk), value, data));
    }
}
