// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {Rows} from "../src/Rows.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {OneLedger} from "./OneLedger.sol";

/// @dev What is recorded is recorded once. Each property starts from one record, of any submitter, input and output.
contract InferenceLedgerProof is OneLedger {
    uint256 private input;
    uint256 private output;
    bytes32 private inferenceId;

    function setUp() external {
        _setUp(keccak256("circuit"));
        input = svm.createUint256("input");
        output = svm.createUint256("output");
        inferenceId = _store(svm.createAddress("submitter"), output);
    }

    /// @dev That there is a record to speak of.
    function check_whatIsVerifiedIsRecorded() external view {
        assert(ledger.isRecorded(inferenceId));
        assert(ledger.recordOf(inferenceId).recordedAt == START);
    }

    /// @dev Whatever anybody calls, at whatever time.
    function check_aRecordNeverChanges(address caller, uint40 later) external {
        bytes32 before = _record(inferenceId);
        vm.warp(START + uint256(later));
        _anyCall(caller, address(ledger), "InferenceLedger");
        assert(_record(inferenceId) == before);
    }

    /// @dev The same inference proven again, by anybody and at any later time, is the same record.
    function check_anInferenceIsRecordedOnce(address caller, uint40 later) external {
        vm.assume(caller != address(0));
        bytes32 before = _record(inferenceId);
        vm.warp(START + uint256(later));
        assert(_store(caller, output) == inferenceId);
        assert(_record(inferenceId) == before);
    }

    /// @dev Another output is another record, and leaves the first one as it is.
    function check_anotherOutputIsAnotherRecord(address caller, uint256 other) external {
        vm.assume(caller != address(0) && other != output);
        bytes32 before = _record(inferenceId);
        bytes32 otherId = _store(caller, other);
        assert(otherId != inferenceId);
        assert(_record(inferenceId) == before);
        assert(ledger.recordOf(otherId).submitter == caller);
    }

    /// @dev Nobody records what is not proven.
    function check_aWrongProofRecordsNothing(address caller, bytes32 id) external {
        vm.assume(id != inferenceId);
        assert(!ledger.isRecorded(id));
        uint256[] memory instances = new uint256[](2);
        (instances[0], instances[1]) = (input, output);
        bytes memory data = abi.encodeCall(
            ledger.verifyAndStoreInference,
            (model, ledger.commitmentOf(_first(instances)), abi.encode(~output), abi.encode(instances, "I say so"))
        );
        assert(!_call(caller, address(ledger), data));
        assert(!ledger.isRecorded(id));
    }

    function _store(address submitter, uint256 output_) private returns (bytes32) {
        uint256[] memory instances = new uint256[](2);
        (instances[0], instances[1]) = (input, output_);
        bytes32 commitment = ledger.commitmentOf(_first(instances));
        vm.prank(submitter);
        return ledger.verifyAndStoreInference(model, commitment, abi.encode(output_), abi.encode(instances, "I say so"));
    }

    function _first(uint256[] memory instances) private pure returns (uint256[] memory one) {
        one = new uint256[](1);
        one[0] = instances[0];
    }

    /// @dev Zero where there is none: a property that reverts would count as proven.
    function _record(bytes32 id) private view returns (bytes32) {
        try ledger.recordOf(id) returns (IInferenceLedger.Record memory record) {
            return keccak256(abi.encode(record));
        } catch {
            return 0;
        }
    }
}

/// @dev A batch of two rows, each of one word in and one word out. The rows are these; who recorded them, and whatever is claimed
/// to be in the batch, is any.
contract BatchProof is OneLedger {
    uint256 private constant ROWS = 2;

    address private submitter;
    uint256[] private instances;

    function setUp() external {
        _setUp(CircuitLib.hash(_circuit()));
        submitter = svm.createAddress("submitter");
        instances = [uint256(1), 2, 3, 4];
    }

    /// @dev Whatever anybody calls, at whatever time.
    function check_aRecordedBatchNeverChanges(address caller, uint40 later) external {
        bytes32 root = _store(submitter);
        bytes32 before = _batch(root);
        assert(before != 0);
        vm.warp(START + uint256(later));
        _anyCall(caller, address(ledger), "InferenceLedger");
        assert(_batch(root) == before);
    }

    /// @dev The same batch proven again, by anybody and at any later time, is the same record.
    function check_aBatchIsRecordedOnce(address caller, uint40 later) external {
        bytes32 root = _store(submitter);
        bytes32 before = _batch(root);
        vm.warp(START + uint256(later));
        assert(_store(caller) == root);
        assert(_batch(root) == before);
    }

    /// @dev Whoever asks for whichever row, with its neighbour for a path, at whatever time, gets the record of the batch.
    function check_everyRowIsStoredFromItsBatch(address caller, bool second, uint40 later) external {
        bytes32 root = _store(submitter);
        uint256 row = second ? 1 : 0;
        bytes32[] memory path = new bytes32[](1);
        path[0] = Rows.leaf(_id(1 - row));
        vm.warp(START + uint256(later));
        assert(_storeFromBatch(caller, root, path, model, _inputCommitment(row), instances[ROWS + row]));
        assert(ledger.isRecorded(_id(row)));
        assert(keccak256(abi.encode(ledger.recordOf(_id(row)))) == _batch(root));
    }

    /// @dev Whoever asks, for whatever inference, with whatever path of up to two nodes.
    function check_nothingButItsRowsIsStoredFromABatch(
        address caller,
        bytes32[] memory path,
        uint256 ofModel,
        bytes32 inputCommitment,
        uint256 output
    ) external {
        bytes32 root = _store(submitter);
        bytes32 id = keccak256(abi.encodePacked(ofModel, inputCommitment, output));
        bool stored = _storeFromBatch(caller, root, path, ofModel, inputCommitment, output);
        assert(stored == ledger.isRecorded(id));
        assert(!stored || id == _id(0) || id == _id(1));
    }

    /// @dev Whoever asks, for whatever inference, with whatever path of up to two nodes.
    function check_nothingIsStoredFromABatchThatIsNotRecorded(
        address caller,
        bytes32 root,
        bytes32[] memory path,
        bytes32 inputCommitment,
        uint256 output
    ) external {
        vm.assume(root != _store(submitter));
        assert(!_storeFromBatch(caller, root, path, model, inputCommitment, output));
    }

    function _store(address caller) private returns (bytes32) {
        vm.assume(caller != address(0));
        vm.prank(caller);
        return ledger.verifyAndStoreBatch(model, _circuit(), abi.encode(instances, "I say so"));
    }

    function _storeFromBatch(
        address caller,
        bytes32 root,
        bytes32[] memory path,
        uint256 ofModel,
        bytes32 inputCommitment,
        uint256 output
    ) private returns (bool) {
        return _call(
            caller,
            address(ledger),
            abi.encodeCall(ledger.storeFromBatch, (root, path, ofModel, inputCommitment, abi.encode(output)))
        );
    }

    function _circuit() private pure returns (Circuit memory) {
        return Circuit({
            settingsHash: keccak256("settings"),
            inputVisibility: Visibility.Public,
            rows: uint32(ROWS),
            inputs: _tensor(),
            outputs: _tensor()
        });
    }

    function _tensor() private pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](1);
        tensors[0] = Tensor({elements: uint32(ROWS), scale: 0});
    }

    function _inputCommitment(uint256 row) private view returns (bytes32) {
        return keccak256(abi.encodePacked(ledger.domain(), instances[row]));
    }

    function _id(uint256 row) private view returns (bytes32) {
        return keccak256(abi.encodePacked(model, _inputCommitment(row), instances[ROWS + row]));
    }

    /// @dev Zero where there is none: a property that reverts would count as proven.
    function _batch(bytes32 root) private view returns (bytes32) {
        try ledger.batchOf(root) returns (IInferenceLedger.Record memory record) {
            return keccak256(abi.encode(record));
        } catch {
            return 0;
        }
    }
}
