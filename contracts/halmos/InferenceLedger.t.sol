// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceLedger} from "../src/InferenceLedger.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {ClaimVerifier} from "../test/mocks/ClaimVerifier.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev What is recorded is recorded once. Each property starts from one record, of any submitter, input and output.
contract InferenceLedgerProof is Symbolic {
    uint256 private constant START = 1_700_000_000;

    InferenceLedger private ledger;
    uint256 private model;
    uint256 private input;
    uint256 private output;
    bytes32 private inferenceId;

    function setUp() external {
        vm.warp(START);
        ModelRegistry registry = new ModelRegistry();
        ClaimVerifier claims = new ClaimVerifier();
        IProofVerifier[] memory verifiers = new IProofVerifier[](1);
        verifiers[0] = claims;
        ledger = new InferenceLedger(registry, verifiers);
        model = registry.registerModel(
            IERC7992Registry.ModelCommitment({
                modelHash: keccak256("model"),
                circuitHash: keccak256("circuit"),
                vkHash: keccak256("vk"),
                proofSystemId: claims.proofSystemId(),
                uri: ""
            })
        );
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
