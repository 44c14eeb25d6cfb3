// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Commitments} from "../src/Commitments.sol";
import {IERC7992Registry, IERC7992Storage, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Stage} from "./Stage.sol";

contract ModelRegistryTest is Stage {
    function test_theInterfaceIdsAreThoseOfTheStandard() external view {
        vm.assertEq(bytes32(type(IERC7992Registry).interfaceId), bytes32(bytes4(0xd28519b1)));
        vm.assertEq(bytes32(type(IERC7992Verifier).interfaceId), bytes32(bytes4(0x5df65472)));
        vm.assertEq(bytes32(type(IERC7992Storage).interfaceId), bytes32(bytes4(0x29c6ba89)));
        vm.assertEq(registry.supportsInterface(0xd28519b1), true);
        vm.assertEq(registry.supportsInterface(type(IModelRegistry).interfaceId), true);
        vm.assertEq(registry.supportsInterface(type(IERC165).interfaceId), true);
        vm.assertEq(registry.supportsInterface(0xffffffff), false);
    }

    function test_aModelIsListedUnderTheHashOfItsCommitment() external {
        IERC7992Registry.ModelCommitment memory commitment = _other();
        uint256 expected = Commitments.modelId(
            commitment.modelHash, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId
        );
        vm.expectEmit(address(registry));
        emit IERC7992Registry.ModelRegistered(expected, STRANGER, commitment);
        vm.prank(STRANGER);
        vm.assertEq(registry.registerModel(commitment), expected);

        (IERC7992Registry.ModelCommitment memory listed, bool deprecated, address owner) = registry.getModel(expected);
        vm.assertEq(abi.encode(listed), abi.encode(commitment));
        vm.assertEq(deprecated, false);
        vm.assertEq(owner, STRANGER);
    }

    function test_theUriIsNoPartOfTheId() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.uri = "ipfs://elsewhere";
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelAlreadyRegistered.selector, model, OWNER));
        registry.registerModel(commitment);
    }

    function test_everyOtherFieldIsPartOfTheId() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.modelHash = keccak256("another");
        uint256 byModel = registry.registerModel(commitment);
        commitment.circuitHash = keccak256("another");
        uint256 byCircuit = registry.registerModel(commitment);
        commitment.vkHash = keccak256("another");
        uint256 byKey = registry.registerModel(commitment);
        commitment.proofSystemId = "none";
        uint256 bySystem = registry.registerModel(commitment);

        vm.assertNotEq(model, byModel);
        vm.assertNotEq(byModel, byCircuit);
        vm.assertNotEq(byCircuit, byKey);
        vm.assertNotEq(byKey, bySystem);
    }

    function test_aCommitmentWithAZeroHashIsRefused() external {
        for (uint256 field = 0; field < 3; ++field) {
            IERC7992Registry.ModelCommitment memory commitment = _other();
            if (field == 0) commitment.modelHash = 0;
            if (field == 1) commitment.circuitHash = 0;
            if (field == 2) commitment.vkHash = 0;
            vm.expectRevert(
                abi.encodeWithSelector(
                    IModelRegistry.ZeroHash.selector, commitment.modelHash, commitment.circuitHash, commitment.vkHash
                )
            );
            registry.registerModel(commitment);
        }
    }

    function test_theOwnerChangesTheUri() external {
        IERC7992Registry.ModelCommitment memory before = _commitment(address(halo2));
        IERC7992Registry.ModelCommitment memory afterwards = _commitment(address(halo2));
        afterwards.uri = "a uri that is too long for one slot of the storage of the registry";
        vm.expectEmit(address(registry));
        emit IERC7992Registry.ModelUpdated(model, before, afterwards);
        vm.prank(OWNER);
        registry.updateModel(model, afterwards);

        (IERC7992Registry.ModelCommitment memory listed,,) = registry.getModel(model);
        vm.assertEq(abi.encode(listed), abi.encode(afterwards));
    }

    function test_theOwnerCannotChangeAnythingElse() external {
        for (uint256 field = 0; field < 4; ++field) {
            IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
            if (field == 0) commitment.modelHash = keccak256("another");
            if (field == 1) commitment.circuitHash = keccak256("another");
            if (field == 2) commitment.vkHash = keccak256("another");
            if (field == 3) commitment.proofSystemId = "none";
            vm.prank(OWNER);
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.CommitmentImmutable.selector, model));
            registry.updateModel(model, commitment);
        }
    }

    function test_aStrangerChangesNothing() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.NotModelOwner.selector, model, STRANGER);
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.updateModel(model, commitment);
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.deprecateModel(model);
    }

    function test_deprecatingIsOneWay() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        vm.expectEmit(address(registry));
        emit IERC7992Registry.ModelDeprecated(model);
        vm.prank(OWNER);
        registry.deprecateModel(model);

        (bytes4 proofSystemId, bool deprecated) = registry.status(model);
        vm.assertEq(bytes32(proofSystemId), bytes32(commitment.proofSystemId));
        vm.assertEq(deprecated, true);

        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.ModelIsDeprecated.selector, model);
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        registry.deprecateModel(model);
        vm.prank(OWNER);
        vm.expectRevert(refusal);
        registry.updateModel(model, commitment);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelAlreadyRegistered.selector, model, OWNER));
        registry.registerModel(commitment);
    }

    function test_anUnknownModelIsNotFound(uint256 unknown) external {
        vm.assume(unknown != model);
        IERC7992Registry.ModelCommitment memory commitment = _other();
        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, unknown);
        vm.expectRevert(refusal);
        registry.getModel(unknown);
        vm.expectRevert(refusal);
        registry.status(unknown);
        vm.expectRevert(refusal);
        registry.updateModel(unknown, commitment);
        vm.expectRevert(refusal);
        registry.deprecateModel(unknown);
    }

    function _other() private view returns (IERC7992Registry.ModelCommitment memory commitment) {
        commitment = _commitment(address(halo2));
        commitment.modelHash = keccak256("another model");
    }
}
