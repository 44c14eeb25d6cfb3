// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EzklVerifier} from "../src/EzklVerifier.sol";
import {Grade} from "../src/Grade.sol";
import {InferenceIndex} from "../src/InferenceIndex.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {CoreHandler} from "./CoreHandler.sol";
import {Test} from "./Test.sol";

/// @dev What is true of registry, verifiers, ledger and index whatever anybody does; see `CoreHandler` for what they do.
contract CoreInvariants is Test {
    /// @dev As forge reads it: what to call, and by which functions.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    CoreHandler private _handler;
    ModelRegistry private _registry;
    InferenceLedger private _ledger;
    InferenceIndex private _index;
    EzklVerifier private _guarded;

    function setUp() external {
        _handler = new CoreHandler();
        (address registry,,) = _handler.parts();
        (_registry, _ledger, _index, _guarded) =
        (ModelRegistry(registry), _handler.book(), _handler.index(), _handler.guarded());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev What a way to a record needs most is there twice.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](19);
        selectors[0] = CoreHandler.list.selector;
        selectors[1] = CoreHandler.list.selector;
        selectors[2] = CoreHandler.record.selector;
        selectors[3] = CoreHandler.record.selector;
        selectors[4] = CoreHandler.record.selector;
        selectors[5] = CoreHandler.recordBatch.selector;
        selectors[6] = CoreHandler.recordBatch.selector;
        selectors[7] = CoreHandler.recordRow.selector;
        selectors[8] = CoreHandler.recordRow.selector;
        selectors[9] = CoreHandler.recordWrongly.selector;
        selectors[10] = CoreHandler.enter.selector;
        selectors[11] = CoreHandler.bindAgain.selector;
        selectors[12] = CoreHandler.rename.selector;
        selectors[13] = CoreHandler.deprecate.selector;
        selectors[14] = CoreHandler.handOver.selector;
        selectors[15] = CoreHandler.append.selector;
        selectors[16] = CoreHandler.contradict.selector;
        selectors[17] = CoreHandler.stop.selector;
        selectors[18] = CoreHandler.pass.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(_handler), selectors: selectors});
    }

    function invariant_everyRecordWasProvenForExactlyItsStatement() external view {
        CoreHandler.Said[] memory said = _handler.statements();
        for (uint256 i = 0; i < said.length; ++i) {
            vm.assertEq(_ledger.isRecorded(said[i].id), true);
            vm.assertEq(said[i].id, keccak256(abi.encodePacked(said[i].modelId, said[i].input, said[i].output)));
        }
    }

    function invariant_whatWasNeverProvenIsNotRecorded() external view {
        bytes32[] memory ids = _handler.neverProven();
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertEq(_ledger.isRecorded(ids[i]), _handler.isSaid(ids[i]));
        }
    }

    function invariant_aRecordNeverChanges() external view {
        CoreHandler.Said[] memory said = _handler.statements();
        for (uint256 i = 0; i < said.length; ++i) {
            vm.assertEq(abi.encode(_ledger.recordOf(said[i].id)), said[i].record);
        }
    }

    function invariant_theRecordOfABatchNeverChanges() external view {
        (bytes32[] memory roots, bytes[] memory records) = _handler.batches();
        for (uint256 i = 0; i < roots.length; ++i) {
            vm.assertEq(abi.encode(_ledger.batchOf(roots[i])), records[i]);
        }
    }

    function invariant_aRowIsAsOldAndAsStrongAsItsBatch() external view {
        CoreHandler.Said[] memory said = _handler.statements();
        for (uint256 i = 0; i < said.length; ++i) {
            if (said[i].root == 0) continue;
            vm.assertEq(abi.encode(_ledger.recordOf(said[i].id)), abi.encode(_ledger.batchOf(said[i].root)));
        }
    }

    function invariant_theGradeIsThatOfTheProofSystemAndNeverRises() external view {
        CoreHandler.Said[] memory said = _handler.statements();
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < said.length; ++i) {
            for (uint256 j = 0; j < models.length; ++j) {
                if (models[j].id != said[i].modelId) continue;
                Grade grade = models[j].isClaimed ? Grade.Claimed : Grade.Proven;
                vm.assertEq(uint256(_ledger.recordOf(said[i].id).grade), uint256(grade));
            }
        }
    }

    function invariant_aModelIsAcceptedUntilItIsDeprecatedOrStoppedAndNeverAgain() external view {
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < models.length; ++i) {
            bool stopped = !models[i].isClaimed && (_handler.allStopped() || models[i].stopped);
            vm.assertEq(_ledger.accepts(models[i].id), !models[i].deprecated && !stopped);
            vm.assertEq(_registry.isActive(models[i].id), !models[i].deprecated);
            vm.assertEq(_guarded.isStopped(models[i].id), _handler.allStopped() || models[i].stopped);
        }
    }

    function invariant_aDeprecatedModelAndAStoppedVerifierGetNoNewRecords() external view {
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < models.length; ++i) {
            vm.assertEq(_handler.provenOf(models[i].id) <= models[i].lastSaid, true);
        }
    }

    function invariant_aCommitmentNeverChangesAndItsIdIsItsHash() external view {
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < models.length; ++i) {
            (IERC7992Registry.ModelCommitment memory commitment,,) = _registry.getModel(models[i].id);
            vm.assertEq(_handler.hashOf(commitment), models[i].commitmentHash);
            bytes32 tag = keccak256("proofbridge.model.v1");
            bytes32 id = keccak256(
                abi.encode(
                    tag, commitment.modelHash, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId
                )
            );
            vm.assertEq(bytes32(models[i].id), id);
        }
    }

    function invariant_aListingBelongsToWhomItWasHandedTo() external view {
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < models.length; ++i) {
            (,, address owner) = _registry.getModel(models[i].id);
            vm.assertEq(owner, models[i].owner);
        }
    }

    function invariant_aBindingNeverChanges() external view {
        CoreHandler.Known[] memory models = _handler.models();
        for (uint256 i = 0; i < models.length; ++i) {
            if (models[i].isClaimed) continue;
            (address verifier,,) = _guarded.bindingOf(models[i].id);
            vm.assertEq(verifier, models[i].verifier);
        }
    }

    function invariant_versionsAreAppendedAndTheLatestIsTheLastActiveOne() external {
        uint256 latest;
        vm.assertEq(_registry.versionCount(_handler.line()), _handler.count());
        for (uint256 i = 0; i < _handler.count(); ++i) {
            vm.assertEq(_registry.versionAt(_handler.line(), i), _handler.versions(i));
            if (_registry.isActive(_handler.versions(i))) latest = _handler.versions(i);
        }
        bytes32 line = _handler.line();
        if (latest == 0) {
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, line));
        }
        uint256 got = _registry.latest(line);
        if (latest != 0) vm.assertEq(got, latest);
    }

    function invariant_theIndexHoldsRecordedInferencesAndTheNewestOfEachModel() external view {
        bytes32[] memory ids = _handler.entries();
        CoreHandler.Said[] memory said = _handler.statements();
        for (uint256 i = 0; i < said.length; ++i) {
            for (uint256 j = 0; j < ids.length; ++j) {
                if (ids[j] != said[i].id) continue;
                (bytes32 found,) = _index.inferenceOf(said[i].modelId, said[i].input);
                vm.assertEq(found, said[i].id);
                (bytes32 newest,) = _index.latestOf(said[i].modelId);
                uint256 time = _ledger.recordOf(newest).recordedAt;
                vm.assertEq(time >= _ledger.recordOf(said[i].id).recordedAt, true);
            }
        }
    }

    function invariant_aStatementHasAnotherIdOnEveryChainAndAtEveryGateway() external {
        uint256[] memory words = new uint256[](1);
        bytes32 here = _ledger.commitmentOf(words);
        uint256 chainId = block.chainid;
        vm.chainId(chainId + 1);
        bytes32 elsewhere = _ledger.commitmentOf(words);
        vm.chainId(chainId);
        vm.assertNotEq(elsewhere, here);
        vm.assertEq(_ledger.commitmentOf(words), here);
    }
}
