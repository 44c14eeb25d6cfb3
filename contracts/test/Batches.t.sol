// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {Grade} from "../src/Grade.sol";
import {Rows} from "../src/Rows.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {Stage} from "./Stage.sol";
import {Tree} from "./Tree.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev Batches of a model with two input tensors, of 2 and 1 words a row, and two output tensors, of 1 and 3 words a row.
contract BatchesTest is Stage, Tree {
    uint256 private constant WORDS_IN = 3;
    uint256 private constant WORDS_OUT = 4;

    /// @dev A batch model of so many rows, its verifier, and what it proves.
    struct Batch {
        uint256 modelId;
        Circuit circuit;
        MockHalo2Verifier verifier;
        uint256[] instances;
    }

    function test_aVerifiedBatchIsRecordedUnderTheRootOfItsRows(uint256 seed, uint8 size, uint40 height, uint48 time)
        external
    {
        vm.assume(time != 0);
        Batch memory batch = _batch(bound(size, 1, 20), seed);
        vm.roll(height);
        vm.warp(time);
        bytes32 expected = _root(_leaves(batch));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.BatchNotRecorded.selector, expected));
        ledger.batchOf(expected);

        bytes memory blob = _blob(batch);
        vm.expectEmit(address(ledger));
        emit IInferenceLedger.BatchStored(expected, batch.modelId, batch.circuit.rows);
        vm.prank(STRANGER);
        vm.assertEq(ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, blob), expected);
        vm.assertEq(abi.encode(ledger.batchOf(expected)), abi.encode(STRANGER, time, height, Grade.Proven));
    }

    function test_aRecordedBatchIsNotVerifiedAgain(uint256 seed, bytes calldata anything) external {
        Batch memory batch = _batch(3, seed);
        bytes32 root = ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch));
        bytes memory before = abi.encode(ledger.batchOf(root));

        vm.recordLogs();
        vm.roll(block.number + 1);
        vm.prank(STRANGER);
        bytes memory blob = abi.encode(batch.instances, anything);
        vm.assertEq(ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, blob), root);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(abi.encode(ledger.batchOf(root)), before);
    }

    function test_everyRowIsFoundByItsPathAndByNoOther(uint256 seed, uint8 size, uint256 row) external {
        Batch memory batch = _batch(bound(size, 2, 20), seed);
        row = bound(row, 0, batch.circuit.rows - 1);
        (bytes32 input, bytes memory output) = _row(batch, row);
        bytes32[] memory path = _path(_leaves(batch), row);
        bytes32 root = _root(_leaves(batch));
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Claimed), false);

        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch));
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Proven), true);

        vm.assertEq(ledger.isVerifiedInBatch(~root, path, batch.modelId, input, output, Grade.Claimed), false);
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId ^ 1, input, output, Grade.Claimed), false);
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, ~input, output, Grade.Claimed), false);
        output[31] ^= 0x01;
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Claimed), false);
        output[31] ^= 0x01;
        path[0] = ~path[0];
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Claimed), false);
    }

    function test_aWeakBatchIsNotEnoughForWhoAsksForMore(uint256 seed) external {
        Batch memory batch = _batch(1, seed);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        commitment.circuitHash = CircuitLib.hash(batch.circuit);
        batch.modelId = registry.registerModel(commitment);
        bytes32 root = ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, abi.encode(batch.instances, "I say so"));
        (bytes32 input, bytes memory output) = _row(batch, 0);
        bytes32[] memory path = new bytes32[](0);
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Claimed), true);
        vm.assertEq(ledger.isVerifiedInBatch(root, path, batch.modelId, input, output, Grade.Signed), false);
    }

    function test_aRowGetsTheRecordOfItsBatchAndNothingMore(uint256 seed, uint8 size, uint256 row) external {
        Batch memory batch = _batch(bound(size, 2, 20), seed);
        row = bound(row, 0, batch.circuit.rows - 1);
        (bytes32 input, bytes memory output) = _row(batch, row);
        bytes32[] memory path = _path(_leaves(batch), row);
        vm.prank(OWNER);
        bytes32 root = ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch));
        bytes32 id = keccak256(abi.encodePacked(batch.modelId, input, output));
        vm.assertEq(ledger.isRecorded(id), false);

        vm.warp(block.timestamp + 1 days);
        vm.roll(block.number + 1);
        vm.expectEmit(address(ledger));
        emit IERC7992Verifier.InferenceVerified(batch.modelId, input, output, STRANGER);
        vm.prank(STRANGER);
        vm.assertEq(ledger.storeFromBatch(root, path, batch.modelId, input, output), id);
        vm.assertEq(ledger.isVerified(batch.modelId, input, output, Grade.Proven), true);
        vm.assertEq(abi.encode(ledger.recordOf(id)), abi.encode(ledger.batchOf(root)));

        vm.recordLogs();
        vm.assertEq(ledger.storeFromBatch(root, path, batch.modelId, input, output), id);
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_whatIsNoRowOfTheBatchGetsNoRecord(uint256 seed) external {
        Batch memory batch = _batch(4, seed);
        (bytes32 input, bytes memory output) = _row(batch, 1);
        bytes32[] memory path = _path(_leaves(batch), 1);
        bytes32 root = _root(_leaves(batch));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.BatchNotRecorded.selector, root));
        ledger.storeFromBatch(root, path, batch.modelId, input, output);

        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch));
        output[0] ^= 0x01;
        bytes32 id = keccak256(abi.encodePacked(batch.modelId, input, output));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.NotInBatch.selector, root, id));
        ledger.storeFromBatch(root, path, batch.modelId, input, output);
        vm.assertEq(ledger.isRecorded(id), false);
    }

    function test_aBatchThatIsNotProvenIsNotRecorded(uint256 seed, uint256 position) external {
        Batch memory batch = _batch(3, seed);
        bytes memory proof = batch.verifier.mockProve(batch.instances);
        position = bound(position, 0, batch.instances.length - 1);
        batch.instances[position] ^= 1;
        vm.expectRevert(IERC7992Verifier.InvalidProof.selector);
        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, abi.encode(batch.instances, proof));
        bytes32 root = _root(_leaves(batch));
        vm.expectRevert(abi.encodeWithSelector(IInferenceLedger.BatchNotRecorded.selector, root));
        ledger.batchOf(root);
    }

    function test_aBatchOfADeprecatedModelIsRefused() external {
        Batch memory batch = _batch(3, 0);
        bytes memory blob = _blob(batch);
        vm.prank(OWNER);
        registry.deprecateModel(batch.modelId);
        vm.expectRevert(
            abi.encodeWithSelector(IERC7992Verifier.VerificationRefused_ModelDeprecated.selector, batch.modelId)
        );
        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, blob);
    }

    function test_aBatchUnderAnotherDescriptionIsRefused(uint256 seed) external {
        Batch memory batch = _batch(4, seed);
        bytes memory blob = _blob(batch);
        bytes32 committed = CircuitLib.hash(batch.circuit);
        batch.circuit.rows = 2; // would divide just as well, into other rows
        vm.expectRevert(
            abi.encodeWithSelector(
                CircuitLib.CircuitMismatch.selector, batch.modelId, committed, CircuitLib.hash(batch.circuit)
            )
        );
        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, blob);
    }

    function test_aBatchOfAModelThatIsNotListedIsRefused() external {
        Batch memory batch = _batch(1, 0);
        bytes memory blob = _blob(batch);
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7));
        ledger.verifyAndStoreBatch(7, batch.circuit, blob);
    }

    function test_aBatchInABrokenBlobIsRefused() external {
        Batch memory batch = _batch(1, 0);
        bytes memory blob = bytes.concat(_blob(batch), bytes32(0));
        vm.expectRevert(IInferenceGateway.MalformedProof.selector);
        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, blob);
    }

    function test_tooManyOrTooFewInstancesAreNoBatch(bool more) external {
        Batch memory batch = _batch(2, 0);
        uint256 count = batch.instances.length;
        uint256[] memory other = new uint256[](more ? count + 1 : count - 1);
        vm.expectRevert(abi.encodeWithSelector(Rows.RowsMiscounted.selector, count, other.length));
        ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, abi.encode(other, ""));
    }

    function test_anInputThatIsNotShownHasNoRows(bool hashed) external {
        Circuit memory circuit = _circuitOf(2);
        circuit.inputVisibility = hashed ? Visibility.Hashed : Visibility.Private;
        _hasNoRows(circuit, abi.encodeWithSelector(Rows.RowsNotShown.selector, circuit.inputVisibility));
    }

    function test_tensorsThatCannotBeDividedHaveNoRows() external {
        Circuit memory circuit = _circuitOf(4);
        circuit.rows = 0;
        _hasNoRows(circuit, abi.encodeWithSelector(Rows.RowsUneven.selector, 0, 0));
        circuit.rows = 8; // divides the first tensor of the inputs, not the second
        _hasNoRows(circuit, abi.encodeWithSelector(Rows.RowsUneven.selector, 4, 8));
        circuit.inputs[1].elements = 8;
        _hasNoRows(circuit, abi.encodeWithSelector(Rows.RowsUneven.selector, 4, 8));
        circuit.outputs[0].elements = 8;
        _hasNoRows(circuit, abi.encodeWithSelector(Rows.RowsUneven.selector, 12, 8));
    }

    function test_twoBatchesHaveTwoRoots(uint256 seed, uint256 position) external {
        Batch memory batch = _batch(4, seed);
        bytes32 root = ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch));
        batch.instances[bound(position, 0, batch.instances.length - 1)] ^= 1;
        vm.assertNotEq(ledger.verifyAndStoreBatch(batch.modelId, batch.circuit, _blob(batch)), root);
    }

    function _hasNoRows(Circuit memory circuit, bytes memory refusal) private {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.circuitHash = CircuitLib.hash(circuit);
        uint256 modelId = registry.registerModel(commitment);
        uint256 words = CircuitLib.inputInstances(circuit) + CircuitLib.outputInstances(circuit);
        vm.expectRevert(refusal);
        ledger.verifyAndStoreBatch(modelId, circuit, abi.encode(new uint256[](words), ""));
    }

    function _batch(uint256 rows, uint256 seed) private returns (Batch memory batch) {
        batch.circuit = _circuitOf(uint32(rows));
        batch.verifier = new MockHalo2Verifier("batch", rows * (WORDS_IN + WORDS_OUT), PROOF_WORDS);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(batch.verifier));
        commitment.circuitHash = CircuitLib.hash(batch.circuit);
        vm.prank(OWNER);
        batch.modelId = registry.registerModel(commitment);
        ezkl.bind(batch.modelId, batch.circuit, address(batch.verifier));
        batch.instances = new uint256[](rows * (WORDS_IN + WORDS_OUT));
        for (uint256 i = 0; i < batch.instances.length; ++i) {
            batch.instances[i] = uint256(keccak256(abi.encode(seed, i))) >> 3;
        }
    }

    function _circuitOf(uint32 rows) private pure returns (Circuit memory) {
        return Circuit({
            settingsHash: keccak256("settings"),
            inputVisibility: Visibility.Public,
            rows: rows,
            inputs: _two(2 * rows, rows),
            outputs: _two(rows, 3 * rows)
        });
    }

    function _two(uint32 first, uint32 second) private pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](2);
        (tensors[0], tensors[1]) = (Tensor({elements: first, scale: 7}), Tensor({elements: second, scale: 0}));
    }

    function _blob(Batch memory batch) private view returns (bytes memory) {
        return abi.encode(batch.instances, batch.verifier.mockProve(batch.instances));
    }

    /// @dev The words of a row, picked one by one: shares of 2 and 1 words of the inputs, of 1 and 3 words of the outputs.
    function _row(Batch memory batch, uint256 row) private view returns (bytes32 input, bytes memory output) {
        uint256 rows = batch.circuit.rows;
        uint256[] memory words = new uint256[](WORDS_IN);
        (words[0], words[1]) = (batch.instances[2 * row], batch.instances[2 * row + 1]);
        words[2] = batch.instances[2 * rows + row];
        output = abi.encodePacked(
            batch.instances[3 * rows + row],
            batch.instances[4 * rows + 3 * row],
            batch.instances[4 * rows + 3 * row + 1],
            batch.instances[4 * rows + 3 * row + 2]
        );
        return (gateway.commitmentOf(words), output);
    }

    function _leaves(Batch memory batch) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](batch.circuit.rows);
        for (uint256 i = 0; i < leaves.length; ++i) {
            (bytes32 input, bytes memory output) = _row(batch, i);
            leaves[i] = keccak256(abi.encode(keccak256(abi.encodePacked(batch.modelId, input, output))));
        }
    }
}
