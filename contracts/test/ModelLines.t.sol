// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Stage} from "./Stage.sol";

contract ModelLinesTest is Stage {
    string private constant NAME = "credit score";

    bytes32 private _line = _created(OWNER);

    function test_theIdOfALineHoldsItsCreatorAndItsName(address creator, string calldata name) external {
        bytes32 expected = keccak256(abi.encode(keccak256("proofbridge.line.v1"), creator, name));
        vm.assertEq(registry.lineIdOf(creator, name), expected);
        vm.assume(creator != address(0) && expected != _line);

        vm.expectEmit(address(registry));
        emit IModelRegistry.LineCreated(expected, creator, name);
        vm.prank(creator);
        vm.assertEq(registry.createLine(name), expected);
        vm.assertEq(registry.lineOwner(expected), creator);
        vm.assertEq(registry.versionCount(expected), 0);
    }

    function test_aNameCannotBeTakenFromAnotherAccount() external {
        vm.assertNotEq(_created(STRANGER), _line);
        vm.assertEq(registry.lineOwner(_line), OWNER);
    }

    function test_aLineIsCreatedOnce() external {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.LineAlreadyCreated.selector, _line));
        vm.prank(OWNER);
        registry.createLine(NAME);
    }

    function test_theCreatorOfALineCannotCreateItAgainAfterHandingItOn() external {
        _handOn();
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.LineAlreadyCreated.selector, _line));
        vm.prank(OWNER);
        registry.createLine(NAME);
    }

    function test_versionsAreNumberedInTheOrderTheyAreAppended(uint8 count) external {
        count = count % 8;
        for (uint256 i = 0; i < count; ++i) {
            uint256 modelId = _listed(i);
            vm.expectEmit(address(registry));
            emit IModelRegistry.VersionAppended(_line, modelId, i);
            vm.prank(OWNER);
            vm.assertEq(registry.appendVersion(_line, modelId), i);
            vm.assertEq(registry.latest(_line), modelId);
        }
        vm.assertEq(registry.versionCount(_line), count);
        for (uint256 i = 0; i < count; ++i) {
            vm.assertEq(registry.versionAt(_line, i), _idOf(i));
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VersionNotFound.selector, _line, uint256(count)));
        registry.versionAt(_line, count);
    }

    function test_theLatestVersionIsTheLastThatIsActive(uint8 deprecated) external {
        uint256 last = type(uint256).max;
        for (uint256 i = 0; i < 8; ++i) {
            _append(_listed(i));
        }
        for (uint256 i = 0; i < 8; ++i) {
            if ((deprecated >> i) & 1 == 0) {
                last = i;
            } else {
                registry.deprecateModel(_idOf(i));
            }
        }
        if (last == type(uint256).max) {
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, _line));
            registry.latest(_line);
        } else {
            vm.assertEq(registry.latest(_line), _idOf(last));
        }
        vm.assertEq(registry.versionCount(_line), 8);
    }

    function test_aLineWithoutVersionsHasNoLatest() external {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, _line));
        registry.latest(_line);
    }

    function test_anEarlierModelCanBeAppendedAgain() external {
        _append(model);
        _append(_listed(1));
        _append(model);
        vm.assertEq(registry.latest(_line), model);
        vm.assertEq(registry.versionCount(_line), 3);
    }

    function test_aDeprecatedOrUnknownModelIsNotAppended() external {
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7));
        vm.prank(OWNER);
        registry.appendVersion(_line, 7);

        vm.prank(OWNER);
        registry.deprecateModel(model);
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelIsDeprecated.selector, model));
        vm.prank(OWNER);
        registry.appendVersion(_line, model);
    }

    function test_aStrangerNeitherAppendsToALineNorOffersIt() external {
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.NotLineOwner.selector, _line, STRANGER);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.appendVersion(_line, model);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.offerLine(_line, STRANGER);
    }

    function test_anUnknownLineIsNotFound(bytes32 unknown) external {
        vm.assume(unknown != _line);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.LineNotFound.selector, unknown);
        vm.expectRevert(refusal);
        registry.appendVersion(unknown, model);
        vm.expectRevert(refusal);
        registry.offerLine(unknown, STRANGER);
        vm.expectRevert(refusal);
        registry.acceptLine(unknown);
        vm.expectRevert(refusal);
        registry.latest(unknown);
        vm.expectRevert(refusal);
        registry.versionAt(unknown, 0);
        vm.expectRevert(refusal);
        registry.versionCount(unknown);
        vm.expectRevert(refusal);
        registry.lineOwner(unknown);
    }

    function test_aLineIsHandedOnInTwoSteps() external {
        vm.expectEmit(address(registry));
        emit IModelRegistry.LineOffered(_line, OWNER, STRANGER);
        vm.prank(OWNER);
        registry.offerLine(_line, STRANGER);
        vm.assertEq(registry.lineOwner(_line), OWNER);

        vm.expectEmit(address(registry));
        emit IModelRegistry.LineTransferred(_line, OWNER, STRANGER);
        vm.prank(STRANGER);
        registry.acceptLine(_line);
        vm.assertEq(registry.lineOwner(_line), STRANGER);

        vm.prank(STRANGER);
        registry.appendVersion(_line, model);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotLineOwner.selector, _line, OWNER));
        vm.prank(OWNER);
        registry.appendVersion(_line, model);
    }

    function test_aLineIsTakenOnlyByWhomItIsOfferedTo(address taker) external {
        vm.assume(taker != STRANGER);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.LineNotOffered.selector, _line, taker);
        vm.prank(OWNER);
        registry.offerLine(_line, STRANGER);
        vm.expectRevert(refusal);
        vm.prank(taker);
        registry.acceptLine(_line);
    }

    function test_anOfferOfALineIsWithdrawnAndUsedOnce() external {
        vm.prank(OWNER);
        registry.offerLine(_line, STRANGER);
        vm.prank(OWNER);
        registry.offerLine(_line, address(0));
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.LineNotOffered.selector, _line, STRANGER);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.acceptLine(_line);

        _handOn();
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.acceptLine(_line);
    }

    function test_aListingIsHandedOnInTwoSteps() external {
        vm.expectEmit(address(registry));
        emit IModelRegistry.ModelOffered(model, OWNER, STRANGER);
        vm.prank(OWNER);
        registry.offerModel(model, STRANGER);
        _assertOwner(OWNER);

        vm.expectEmit(address(registry));
        emit IModelRegistry.ModelTransferred(model, OWNER, STRANGER);
        vm.prank(STRANGER);
        registry.acceptModel(model);
        _assertOwner(STRANGER);

        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.NotModelOwner.selector, model, OWNER));
        vm.prank(OWNER);
        registry.deprecateModel(model);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelNotOffered.selector, model, STRANGER));
        vm.prank(STRANGER);
        registry.acceptModel(model);
        vm.prank(STRANGER);
        registry.deprecateModel(model);
    }

    function test_aListingIsTakenOnlyByWhomItIsOfferedTo(address taker) external {
        vm.assume(taker != STRANGER);
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.ModelNotOffered.selector, model, taker);
        vm.prank(OWNER);
        registry.offerModel(model, STRANGER);
        vm.expectRevert(refusal);
        vm.prank(taker);
        registry.acceptModel(model);
    }

    function test_anOfferOfAListingIsWithdrawn() external {
        vm.prank(OWNER);
        registry.offerModel(model, STRANGER);
        vm.prank(OWNER);
        registry.offerModel(model, address(0));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelNotOffered.selector, model, STRANGER));
        vm.prank(STRANGER);
        registry.acceptModel(model);
    }

    function test_aDeprecatedListingIsNeitherOfferedNorTaken() external {
        vm.prank(OWNER);
        registry.offerModel(model, STRANGER);
        vm.prank(OWNER);
        registry.deprecateModel(model);
        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.ModelIsDeprecated.selector, model);
        vm.expectRevert(refusal);
        vm.prank(OWNER);
        registry.offerModel(model, OWNER);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.acceptModel(model);
    }

    function test_aListingOfAnotherOrOfNobodyIsNeitherOfferedNorTaken() external {
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.NotModelOwner.selector, model, STRANGER));
        vm.prank(STRANGER);
        registry.offerModel(model, STRANGER);
        bytes memory refusal = abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7);
        vm.expectRevert(refusal);
        registry.offerModel(7, STRANGER);
        vm.expectRevert(refusal);
        registry.acceptModel(7);
    }

    function test_aModelIsActiveFromItsListingToItsDeprecation(uint256 unknown) external {
        vm.assume(unknown != model);
        vm.assertEq(registry.isActive(unknown), false);
        vm.assertEq(registry.isActive(model), true);
        vm.prank(OWNER);
        registry.deprecateModel(model);
        vm.assertEq(registry.isActive(model), false);
    }

    function _created(address creator) private returns (bytes32) {
        vm.prank(creator);
        return registry.createLine(NAME);
    }

    function _append(uint256 modelId) private {
        vm.prank(OWNER);
        registry.appendVersion(_line, modelId);
    }

    function _handOn() private {
        vm.prank(OWNER);
        registry.offerLine(_line, STRANGER);
        vm.prank(STRANGER);
        registry.acceptLine(_line);
    }

    /// @dev Lists a model of this contract, which need not be bound to be appended.
    function _listed(uint256 number) private returns (uint256) {
        return registry.registerModel(_numbered(number));
    }

    function _idOf(uint256 number) private view returns (uint256) {
        IERC7992Registry.ModelCommitment memory c = _numbered(number);
        return uint256(
            keccak256(
                abi.encode(keccak256("proofbridge.model.v1"), c.modelHash, c.circuitHash, c.vkHash, c.proofSystemId)
            )
        );
    }

    function _numbered(uint256 number) private view returns (IERC7992Registry.ModelCommitment memory commitment) {
        commitment = _commitment(address(halo2));
        commitment.modelHash = keccak256(abi.encode("numbered", number));
    }

    function _assertOwner(address expected) private view {
        (,, address owner) = registry.getModel(model);
        vm.assertEq(owner, expected);
    }
}
