// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev Who may change what, whatever is called. Each property starts from a listing and a line of any owner. A listing is read
/// slot by slot, as it lies in storage: a `uri` of any length is more than halmos reads through `getModel`. For the same
/// reason `updateModel`, which reads the old `uri`, has properties of its own.
contract ModelRegistryProof is Symbolic {
    bytes4 private constant SYSTEM = 0x12345678;
    uint256 private constant SLOTS = 5;
    bytes4 private constant UPDATE = IERC7992Registry.updateModel.selector;

    ModelRegistry private registry;
    address private owner;
    uint256 private model;
    bytes32 private line;

    bytes32 private modelHash;
    bytes32 private circuitHash;
    bytes32 private vkHash;

    function setUp() external {
        registry = new ModelRegistry();
        owner = svm.createAddress("owner");
        vm.assume(owner != address(0));
        modelHash = svm.createBytes32("modelHash");
        circuitHash = svm.createBytes32("circuitHash");
        vkHash = svm.createBytes32("vkHash");
        vm.assume(modelHash != 0 && circuitHash != 0 && vkHash != 0);
        vm.prank(owner);
        model = registry.registerModel(_commitment("uri"));
        vm.prank(owner);
        line = registry.createLine("line");
        vm.prank(owner);
        registry.appendVersion(line, model);
    }

    /// @dev That the slots are where the other properties read them.
    function check_aListingLiesWhereItIsRead() external view {
        (IERC7992Registry.ModelCommitment memory now_, bool deprecated, address nowOwner) = registry.getModel(model);
        assert(nowOwner == owner && _owner() == owner);
        assert(!deprecated && !_deprecated());
        assert(now_.modelHash == modelHash && _slot(1) == modelHash);
        assert(now_.circuitHash == circuitHash && _slot(2) == circuitHash);
        assert(now_.vkHash == vkHash && _slot(3) == vkHash);
        assert(now_.proofSystemId == SYSTEM);
        assert(_slot(4) == bytes32("uri") | bytes32(uint256(6)));
    }

    /// @dev Whatever anybody calls, what an id commits to stays, and with it the uri.
    function check_theCommitmentOfAListingNeverChanges(address caller) external {
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        assert(_slot(1) == modelHash && _slot(2) == circuitHash && _slot(3) == vkHash);
        assert(_slot(4) == bytes32("uri") | bytes32(uint256(6)));
        (bytes4 proofSystemId,) = registry.status(model);
        assert(proofSystemId == SYSTEM);
    }

    /// @dev Whatever a stranger calls, a listing that was not offered to them stays as it is.
    function check_onlyItsOwnerChangesAListing(address stranger) external {
        vm.assume(stranger != owner);
        bytes32[SLOTS] memory before = _listing();
        _anyCallBut(UPDATE, stranger, address(registry), "ModelRegistry");
        _assertListing(before);
    }

    /// @dev Of all updates only those of its owner that keep the hashes succeed; they change the uri and nothing else.
    function check_anUpdateChangesTheUriAndNothingElse(
        address caller,
        bytes32 first,
        bytes32 second,
        bytes32 third,
        bytes4 system
    ) external {
        bytes32[SLOTS] memory before = _listing();
        IERC7992Registry.ModelCommitment memory changed = IERC7992Registry.ModelCommitment({
            modelHash: first, circuitHash: second, vkHash: third, proofSystemId: system, uri: "other"
        });
        bool succeeded = _call(caller, address(registry), abi.encodeCall(registry.updateModel, (model, changed)));
        if (succeeded) {
            assert(caller == owner);
            assert(first == modelHash && second == circuitHash && third == vkHash && system == SYSTEM);
            before[4] = bytes32("other") | bytes32(uint256(10));
        }
        _assertListing(before);
    }

    /// @dev Nobody updates what nobody registered.
    function check_noOtherListingIsUpdated(address caller, uint256 other) external {
        vm.assume(other != model);
        assert(!_call(caller, address(registry), abi.encodeCall(registry.updateModel, (other, _commitment("other")))));
    }

    /// @dev An offer changes nothing but who may accept it.
    function check_aListingChangesHandsInTwoSteps(address candidate, address caller) external {
        vm.prank(owner);
        registry.offerModel(model, candidate);
        assert(_owner() == owner);
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        assert(_owner() == owner || (_owner() == candidate && caller == candidate));
    }

    /// @dev Whatever anybody calls, also whom it was offered to, a deprecated listing stays as it is.
    function check_deprecationIsOneWay(address candidate, address caller) external {
        vm.prank(owner);
        registry.offerModel(model, candidate);
        vm.prank(owner);
        registry.deprecateModel(model);
        assert(_deprecated());
        bytes32[SLOTS] memory before = _listing();
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        _assertListing(before);
        assert(!registry.isActive(model));
    }

    /// @dev Nor does anybody update it.
    function check_aDeprecatedListingIsNotUpdated(address caller) external {
        vm.prank(owner);
        registry.deprecateModel(model);
        assert(!_call(caller, address(registry), abi.encodeCall(registry.updateModel, (model, _commitment("other")))));
    }

    /// @dev Whoever tries, with whatever uri, after whatever call.
    function check_anIdIsNeverRegisteredAgain(address first, address second) external {
        _anyCallBut(UPDATE, first, address(registry), "ModelRegistry");
        assert(!_call(second, address(registry), abi.encodeCall(registry.registerModel, (_commitment("other")))));
    }

    /// @dev Whatever anybody calls, the versions of a line stay, and at most one is added, by its owner.
    function check_aLineIsAppendOnly(address caller) external {
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        assert(_lineOwner() == owner); // and so the next two calls do not revert
        uint256 count = registry.versionCount(line);
        assert(count == 1 || (count == 2 && caller == owner));
        assert(registry.versionAt(line, 0) == model);
    }

    /// @dev An offer changes nothing but who may accept it.
    function check_aLineChangesHandsInTwoSteps(address candidate, address caller) external {
        vm.prank(owner);
        registry.offerLine(line, candidate);
        assert(_lineOwner() == owner);
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        address nowOwner = _lineOwner();
        assert(nowOwner == owner || (nowOwner == candidate && caller == candidate));
    }

    /// @dev Without an offer nobody takes a line over, and its creator cannot create it again.
    function check_aLineThatIsNotOfferedStays(address caller) external {
        _anyCallBut(UPDATE, caller, address(registry), "ModelRegistry");
        assert(_lineOwner() == owner);
    }

    function _commitment(string memory uri) private view returns (IERC7992Registry.ModelCommitment memory) {
        return IERC7992Registry.ModelCommitment({
            modelHash: modelHash, circuitHash: circuitHash, vkHash: vkHash, proofSystemId: SYSTEM, uri: uri
        });
    }

    function _slot(uint256 number) private view returns (bytes32) {
        return vm.load(address(registry), bytes32(uint256(keccak256(abi.encode(model, uint256(0)))) + number));
    }

    function _owner() private view returns (address) {
        return address(uint160(uint256(_slot(0))));
    }

    function _deprecated() private view returns (bool) {
        return uint8(uint256(_slot(0)) >> 192) != 0;
    }

    /// @dev Zero where there is no such line: a property that reverts would count as proven.
    function _lineOwner() private view returns (address) {
        try registry.lineOwner(line) returns (address lineOwner) {
            return lineOwner;
        } catch {
            return address(0);
        }
    }

    function _listing() private view returns (bytes32[SLOTS] memory slots) {
        for (uint256 i = 0; i < SLOTS; ++i) {
            slots[i] = _slot(i);
        }
    }

    function _assertListing(bytes32[SLOTS] memory before) private view {
        for (uint256 i = 0; i < SLOTS; ++i) {
            assert(_slot(i) == before[i]);
        }
    }
}
