// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {InferenceIndex} from "../src/InferenceIndex.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {IERC7992Registry, IERC7992Verifier} from "../src/interfaces/draft-IERC7992.sol";
import {IInferenceIndex} from "../src/interfaces/IInferenceIndex.sol";
import {IVerifierStop} from "../src/interfaces/IVerifierStop.sol";
import {Stage} from "./Stage.sol";
import {MockHalo2Verifier} from "./mocks/MockHalo2Verifier.sol";

/// @dev Everybody who can do anything to registry, verifiers, ledger and index, in any order. Each function foretells
/// whether it will be refused, and by which name; it remembers what was done, for the invariants to compare.
contract CoreHandler is Stage {
    uint32 private constant ROWS = 4;

    /// @dev A model, and what must stay true of it.
    struct Known {
        uint256 id;
        bytes32 commitmentHash; // without the uri
        address owner;
        bool isClaimed; // of the weak proof system
        bool isBatch;
        bool deprecated;
        bool stopped;
        uint256 lastSaid; // how many proven statements it had when it was deprecated or stopped; else without end
        address verifier;
    }

    /// @dev A statement that was proven, and the record that it got.
    struct Said {
        bytes32 id;
        uint256 modelId;
        bytes32 input;
        bytes output;
        bytes record;
        bytes32 root; // of its batch, if it came out of one
    }

    address public constant GUARDIAN = address(0x6a4d);

    EzklVerifier public guarded = new EzklVerifier(registry, GUARDIAN);
    InferenceLedger public book = new InferenceLedger(registry, _verifiers(guarded, claims));
    InferenceIndex public index = new InferenceIndex(book);
    MockHalo2Verifier private _wide = new MockHalo2Verifier("wide", ROWS * (INPUTS + OUTPUTS), PROOF_WORDS);

    bool public allStopped;
    bytes32 public line;
    uint256[] public versions;
    uint256 public refusals;

    Known[] private _models;
    Said[] private _said;
    bytes32[] private _roots;
    bytes[] private _batchRecords;
    bytes32[] private _neverProven;
    bytes32[] private _indexed;

    mapping(bytes32 id => bool) private _isSaid;
    mapping(bytes32 key => bytes32 id) private _entered;

    constructor() {
        vm.prank(OWNER);
        line = registry.createLine("line");
    }

    // What anybody does.

    function list(uint256 who, uint256 kind) external {
        if (_models.length == 12) return;
        address owner = _actor(who);
        Known memory known;
        known.owner = owner;
        known.lastSaid = type(uint256).max;
        known.isClaimed = kind % 4 == 0;
        known.isBatch = kind % 4 == 1;
        known.verifier = known.isBatch ? address(_wide) : address(halo2);
        IERC7992Registry.ModelCommitment memory commitment = _commitment(known.verifier);
        commitment.modelHash = keccak256(abi.encode(_models.length, kind));
        commitment.circuitHash = CircuitLib.hash(_circuitOf(known.isBatch));
        if (known.isClaimed) commitment.proofSystemId = claims.proofSystemId();
        vm.prank(owner);
        known.id = registry.registerModel(commitment);
        if (allStopped && !known.isClaimed) known.lastSaid = 0;
        if (!known.isClaimed) guarded.bind(known.id, _circuitOf(known.isBatch), known.verifier);
        known.commitmentHash = hashOf(commitment);
        _models.push(known);
    }

    function bindAgain(uint256 which) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (known.isClaimed) return;
        MockHalo2Verifier twin = new MockHalo2Verifier("one", INPUTS + OUTPUTS, PROOF_WORDS);
        guarded.bind(known.id, _circuitOf(known.isBatch), known.isBatch ? known.verifier : address(twin));
    }

    function rename(uint256 which, uint256 who, string calldata uri) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        address caller = _actor(who);
        (IERC7992Registry.ModelCommitment memory commitment,,) = registry.getModel(known.id);
        commitment.uri = uri;
        vm.prank(caller);
        try registry.updateModel(known.id, commitment) {
            _must(caller == known.owner && !known.deprecated);
        } catch (bytes memory reason) {
            _must(_isRefusal(reason, _forChange(known, caller)));
        }
    }

    function deprecate(uint256 which, uint256 who) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        address caller = _actor(who);
        vm.prank(caller);
        try registry.deprecateModel(known.id) {
            _must(caller == known.owner && !known.deprecated);
            known.deprecated = true;
            _seal(known);
        } catch (bytes memory reason) {
            _must(_isRefusal(reason, _forChange(known, caller)));
        }
    }

    function handOver(uint256 which, uint256 who) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (known.deprecated) return;
        address next = _actor(who);
        vm.prank(known.owner);
        registry.offerModel(known.id, next);
        vm.prank(next);
        registry.acceptModel(known.id);
        known.owner = next;
    }

    function append(uint256 which) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        vm.prank(OWNER);
        try registry.appendVersion(line, known.id) returns (uint256 version) {
            _must(!known.deprecated && version == versions.length);
            versions.push(known.id);
        } catch (bytes memory reason) {
            _must(known.deprecated && _isRefusal(reason, IERC7992Registry.ModelIsDeprecated.selector));
        }
    }

    function record(uint256 which, uint256 seed) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (known.isBatch) return;
        (Said memory said, bytes memory blob) = _inferenceOf(known, seed % 32);
        try book.verifyAndStoreInference(known.id, said.input, said.output, blob) returns (bytes32 id) {
            _must(id == said.id && (_isSaid[id] || _refusalOf(known) == 0));
            _remember(said);
        } catch (bytes memory reason) {
            _must(!_isSaid[said.id] && _isRefusal(reason, _refusalOf(known)));
        }
    }

    /// @dev A true proof beside another output, another input, or with a broken byte.
    function recordWrongly(uint256 which, uint256 seed, uint8 how) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (known.isBatch) return;
        (Said memory said, bytes memory blob) = _inferenceOf(known, seed % 32);
        if (how % 3 == 0) said.output[31] ^= 0x01;
        if (how % 3 == 1) said.input = ~said.input;
        if (how % 3 == 2) {
            blob[blob.length - 40] ^= 0x01; // inside the proof
            said.output = bytes.concat(said.output, bytes32(seed));
        }
        bytes32 id = keccak256(abi.encodePacked(known.id, said.input, said.output));
        if (_isSaid[id]) return;
        try book.verifyAndStoreInference(known.id, said.input, said.output, blob) {
            _must(false);
        } catch {
            _neverProven.push(id);
            ++refusals;
        }
    }

    function recordBatch(uint256 which, uint256 seed) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (!known.isBatch) return;
        uint256[] memory instances = _manyInstances(seed % 4);
        bytes memory blob = abi.encode(instances, _wide.mockProve(instances));
        try book.verifyAndStoreBatch(known.id, _circuitOf(true), blob) returns (bytes32 root) {
            bytes memory got = abi.encode(book.batchOf(root));
            for (uint256 i = 0; i < _roots.length; ++i) {
                if (_roots[i] == root) return;
            }
            _must(_refusalOf(known) == 0);
            _roots.push(root);
            _batchRecords.push(got);
        } catch (bytes memory reason) {
            _must(_isRefusal(reason, _refusalOf(known)));
        }
    }

    function recordRow(uint256 which, uint256 seed, uint256 row) external {
        if (_models.length == 0) return;
        Known storage known = _models[which % _models.length];
        if (!known.isBatch) return;
        (Said memory said, bytes32[] memory path) = _rowOf(known, seed % 4, row % ROWS);
        bool isThere;
        for (uint256 i = 0; i < _roots.length; ++i) {
            if (_roots[i] == said.root) isThere = true;
        }
        try book.storeFromBatch(said.root, path, known.id, said.input, said.output) {
            _must(isThere);
            _remember(said);
        } catch {
            _must(!isThere);
            _neverProven.push(said.id);
            ++refusals;
        }
    }

    function enter(uint256 which) external {
        if (_said.length == 0) return;
        Said memory said = _said[which % _said.length];
        bytes32 key = keccak256(abi.encode(said.modelId, said.input));
        try index.index(said.modelId, said.input, said.output) {
            _must(_entered[key] == 0 || _entered[key] == said.id);
            if (_entered[key] == 0) _indexed.push(said.id);
            _entered[key] = said.id;
        } catch (bytes memory reason) {
            _must(_entered[key] != said.id && _isRefusal(reason, IInferenceIndex.OutputContested.selector));
        }
    }

    function contradict(uint256 which, uint256 seed) external {
        if (_models.length == 0 || seed % 5 != 0) return;
        Known storage known = _models[which % _models.length];
        if (known.isClaimed || known.isBatch) return;
        uint256[] memory first = _instances(seed);
        uint256[] memory second = _instances(seed);
        second[INPUTS] ^= 1;
        try guarded.stopModel(
            known.id,
            IVerifierStop.Claim(first, halo2.mockProve(first)),
            IVerifierStop.Claim(second, halo2.mockProve(second))
        ) {
            _must(!allStopped && !known.stopped);
            known.stopped = true;
            _seal(known);
        } catch {
            _must(allStopped || known.stopped);
        }
    }

    function stop(uint256 who, uint256 rarely) external {
        address caller = rarely % 40 == 0 ? GUARDIAN : _actor(who);
        vm.prank(caller);
        try guarded.stop() {
            _must(caller == GUARDIAN);
            allStopped = true;
            for (uint256 i = 0; i < _models.length; ++i) {
                if (!_models[i].isClaimed) _seal(_models[i]);
            }
        } catch (bytes memory reason) {
            _must(caller != GUARDIAN && _isRefusal(reason, IVerifierStop.NotGuardian.selector));
        }
    }

    function pass(uint32 time) external {
        vm.warp(block.timestamp + 1 + time % 10 days);
        vm.roll(block.number + 1);
    }

    // What the invariants read.

    function models() external view returns (Known[] memory) {
        return _models;
    }

    function statements() external view returns (Said[] memory) {
        return _said;
    }

    function batches() external view returns (bytes32[] memory roots, bytes[] memory records) {
        return (_roots, _batchRecords);
    }

    function neverProven() external view returns (bytes32[] memory) {
        return _neverProven;
    }

    function entries() external view returns (bytes32[] memory) {
        return _indexed;
    }

    function isSaid(bytes32 id) external view returns (bool) {
        return _isSaid[id];
    }

    function parts() external view returns (address, address, address) {
        return (address(registry), address(halo2), address(_wide));
    }

    function count() external view returns (uint256) {
        return versions.length;
    }

    /// @dev How many statements of a model were recorded with a proof of their own.
    function provenOf(uint256 modelId) public view returns (uint256 sum) {
        for (uint256 i = 0; i < _said.length; ++i) {
            if (_said[i].modelId == modelId && _said[i].root == 0) ++sum;
        }
    }

    function hashOf(IERC7992Registry.ModelCommitment memory commitment) public pure returns (bytes32) {
        return keccak256(
            abi.encode(commitment.modelHash, commitment.circuitHash, commitment.vkHash, commitment.proofSystemId)
        );
    }

    function _remember(Said memory told) private {
        bytes memory got = abi.encode(book.recordOf(told.id));
        if (_isSaid[told.id]) return;
        told.record = got;
        _isSaid[told.id] = true;
        _said.push(told);
    }

    function _seal(Known storage known) private {
        uint256 now_ = provenOf(known.id);
        if (now_ < known.lastSaid) known.lastSaid = now_;
    }

    /// @dev By which name a true proof of a model is refused now; zero if it is accepted.
    function _refusalOf(Known storage known) private view returns (bytes4) {
        if (known.deprecated) return IERC7992Verifier.VerificationRefused_ModelDeprecated.selector;
        if (known.isClaimed) return 0;
        if (allStopped) return IVerifierStop.VerifierIsStopped.selector;
        return known.stopped ? IVerifierStop.ModelIsStopped.selector : bytes4(0);
    }

    function _forChange(Known storage known, address caller) private view returns (bytes4) {
        return
            caller != known.owner
                ? IERC7992Registry.NotModelOwner.selector
                : IERC7992Registry.ModelIsDeprecated.selector;
    }

    function _inferenceOf(Known storage known, uint256 seed)
        private
        view
        returns (Said memory told, bytes memory blob)
    {
        uint256[] memory instances = _instances(seed);
        uint256 inputs = known.isClaimed ? 1 : INPUTS;
        told.modelId = known.id;
        told.input = book.commitmentOf(_words(instances, 0, inputs));
        told.output = abi.encodePacked(_words(instances, inputs, instances.length));
        told.id = keccak256(abi.encodePacked(known.id, told.input, told.output));
        blob = abi.encode(instances, known.isClaimed ? bytes("I say so") : halo2.mockProve(instances));
    }

    /// @dev A row of a batch of four, whose tree has two levels.
    function _rowOf(Known storage known, uint256 seed, uint256 row)
        private
        view
        returns (Said memory told, bytes32[] memory path)
    {
        uint256[] memory instances = _manyInstances(seed);
        bytes32[] memory leaves = new bytes32[](ROWS);
        for (uint256 i = 0; i < ROWS; ++i) {
            bytes32 input = book.commitmentOf(_words(instances, i * INPUTS, (i + 1) * INPUTS));
            uint256 start = ROWS * INPUTS + i * OUTPUTS;
            bytes memory output = abi.encodePacked(_words(instances, start, start + OUTPUTS));
            bytes32 id = keccak256(abi.encodePacked(known.id, input, output));
            leaves[i] = keccak256(abi.encode(id));
            if (i == row) (told.id, told.modelId, told.input, told.output) = (id, known.id, input, output);
        }
        path = new bytes32[](2);
        path[0] = leaves[row ^ 1];
        uint256 other = row < 2 ? 2 : 0;
        path[1] = _pair(leaves[other], leaves[other + 1]);
        told.root = _pair(_pair(leaves[0], leaves[1]), _pair(leaves[2], leaves[3]));
    }

    function _manyInstances(uint256 seed) private pure returns (uint256[] memory instances) {
        instances = new uint256[](ROWS * (INPUTS + OUTPUTS));
        for (uint256 i = 0; i < instances.length; ++i) {
            instances[i] = uint256(keccak256(abi.encode("many", seed, i))) >> 3;
        }
    }

    function _circuitOf(bool isBatch) private pure returns (Circuit memory circuit) {
        circuit = _circuit();
        if (!isBatch) return circuit;
        circuit.rows = ROWS;
        circuit.inputs[0].elements = ROWS * INPUTS;
        circuit.outputs[0].elements = ROWS * OUTPUTS;
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function _actor(uint256 who) private view returns (address) {
        return who % 3 == 0 ? OWNER : who % 3 == 1 ? STRANGER : address(0xabc);
    }

    function _isRefusal(bytes memory reason, bytes4 expected) private returns (bool) {
        ++refusals;
        return expected != 0 && bytes4(reason) == expected;
    }

    function _must(bool condition) private pure {
        vm.assertEq(condition, true);
    }
}
