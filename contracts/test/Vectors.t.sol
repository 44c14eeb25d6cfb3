// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Circuit, CircuitLib, Tensor, Visibility} from "../src/Circuit.sol";
import {Commitments} from "../src/Commitments.sol";
import {EzklReusableVerifier} from "../src/EzklReusableVerifier.sol";
import {FixedPoint} from "../src/FixedPoint.sol";
import {SignedInferenceVerifier} from "../src/SignedInferenceVerifier.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {ISignedInferenceVerifier} from "../src/interfaces/ISignedInferenceVerifier.sol";
import {Test} from "./Test.sol";

/// @dev The vectors that Python and TypeScript are tested with too: the languages agree, or a test fails somewhere.
contract VectorsTest is Test {
    string private constant COMMITMENTS = "../tests/vectors/commitments.json";
    string private constant FIXED_POINT = "../tests/vectors/fixed_point.json";
    string private constant REUSABLE = "../tests/vectors/reusable.json";
    string private constant SIGNED = "../tests/vectors/signed.json";

    struct ModelVector {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        bytes32 modelId;
    }

    struct LineVector {
        address creator;
        string name;
        bytes32 lineId;
    }

    struct CircuitVector {
        bytes32 settingsHash;
        uint8 inputVisibility;
        uint32 rows;
        uint32[] inputElements;
        int8[] inputScales;
        uint32[] outputElements;
        int8[] outputScales;
        bytes32 circuitHash;
        uint256 inputInstances;
        uint256 outputInstances;
    }

    struct InferenceVector {
        uint256 chainId;
        address gateway;
        bytes32 modelId;
        uint256[] inputs;
        bytes32[] outputs;
        bytes32 domain;
        bytes32 inputCommitment;
        bytes output;
        bytes32 inferenceId;
    }

    struct KeyVector {
        bytes32 verifierCodeHash;
        bytes32 vkaDigest;
        bytes32 keyHash;
    }

    struct PanelVector {
        address admin;
        uint8 threshold;
        address[] signers;
        bytes32 panelHash;
    }

    struct StatementVector {
        uint256 chainId;
        address verifier;
        bytes32 modelId;
        uint256[] instances;
        bytes32 digest;
    }

    struct SignedVector {
        bytes32 instance;
        int256 signed;
    }

    struct WadVector {
        bytes32 instance;
        int8 scale;
        int256 wad;
    }

    function test_modelIdsAgree() external view {
        ModelVector[] memory vectors = abi.decode(
            _read(
                COMMITMENTS,
                ".models",
                "ModelVector(bytes32 modelHash,bytes32 circuitHash,bytes32 vkHash,bytes4 proofSystemId,bytes32 modelId)"
            ),
            (ModelVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            ModelVector memory v = vectors[i];
            vm.assertEq(bytes32(Commitments.modelId(v.modelHash, v.circuitHash, v.vkHash, v.proofSystemId)), v.modelId);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_lineIdsAgree() external view {
        LineVector[] memory vectors = abi.decode(
            _read(COMMITMENTS, ".lines", "LineVector(address creator,string name,bytes32 lineId)"), (LineVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            vm.assertEq(this.lineId(vectors[i].creator, vectors[i].name), vectors[i].lineId);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_circuitsAgree() external view {
        CircuitVector[] memory vectors = abi.decode(
            _read(
                COMMITMENTS,
                ".circuits",
                "CircuitVector(bytes32 settingsHash,uint8 inputVisibility,uint32 rows,uint32[] inputElements,int8[] inputScales,uint32[] outputElements,int8[] outputScales,bytes32 circuitHash,uint256 inputInstances,uint256 outputInstances)"
            ),
            (CircuitVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            CircuitVector memory v = vectors[i];
            Circuit memory circuit = Circuit({
                settingsHash: v.settingsHash,
                inputVisibility: Visibility(v.inputVisibility),
                rows: v.rows,
                inputs: _tensors(v.inputElements, v.inputScales),
                outputs: _tensors(v.outputElements, v.outputScales)
            });
            vm.assertEq(CircuitLib.hash(circuit), v.circuitHash);
            vm.assertEq(CircuitLib.inputInstances(circuit), v.inputInstances);
            vm.assertEq(CircuitLib.outputInstances(circuit), v.outputInstances);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_inferencesAgree() external view {
        InferenceVector[] memory vectors = abi.decode(
            _read(
                COMMITMENTS,
                ".inferences",
                "InferenceVector(uint256 chainId,address gateway,bytes32 modelId,uint256[] inputs,bytes32[] outputs,bytes32 domain,bytes32 inputCommitment,bytes output,bytes32 inferenceId)"
            ),
            (InferenceVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            InferenceVector memory v = vectors[i];
            vm.assertEq(Commitments.domain(v.chainId, v.gateway), v.domain);
            vm.assertEq(this.inputCommitment(v.domain, v.inputs), v.inputCommitment);
            vm.assertEq(abi.encodePacked(v.outputs), v.output);
            vm.assertEq(this.inferenceId(uint256(v.modelId), v.inputCommitment, v.output), v.inferenceId);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_keysOfSharedVerifiersAgree() external {
        EzklReusableVerifier verifier = new EzklReusableVerifier(IModelRegistry(address(0)), address(0));
        KeyVector[] memory vectors = abi.decode(
            _read(REUSABLE, ".keys", "KeyVector(bytes32 verifierCodeHash,bytes32 vkaDigest,bytes32 keyHash)"),
            (KeyVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            KeyVector memory v = vectors[i];
            vm.assertEq(verifier.keyHashOf(v.verifierCodeHash, v.vkaDigest), v.keyHash);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_panelsAgree() external {
        SignedInferenceVerifier verifier = new SignedInferenceVerifier(IModelRegistry(address(0)), address(0));
        PanelVector[] memory vectors = abi.decode(
            _read(SIGNED, ".panels", "PanelVector(address admin,uint8 threshold,address[] signers,bytes32 panelHash)"),
            (PanelVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            PanelVector memory v = vectors[i];
            ISignedInferenceVerifier.Panel memory panel =
                ISignedInferenceVerifier.Panel({admin: v.admin, threshold: v.threshold, signers: v.signers});
            vm.assertEq(verifier.hashOf(panel), v.panelHash);
        }
        vm.assertLt(0, vectors.length);
    }

    /// @dev The code is put where the vector has it, because the address is signed too.
    function test_signedStatementsAgree() external {
        bytes memory code = address(new SignedInferenceVerifier(IModelRegistry(address(0)), address(0))).code;
        StatementVector[] memory vectors = abi.decode(
            _read(
                SIGNED,
                ".statements",
                "StatementVector(uint256 chainId,address verifier,bytes32 modelId,uint256[] instances,bytes32 digest)"
            ),
            (StatementVector[])
        );
        for (uint256 i = 0; i < vectors.length; ++i) {
            StatementVector memory v = vectors[i];
            vm.chainId(v.chainId);
            vm.etch(v.verifier, code);
            vm.assertEq(SignedInferenceVerifier(v.verifier).digestOf(uint256(v.modelId), v.instances), v.digest);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_signedNumbersAgree() external view {
        SignedVector[] memory vectors =
            abi.decode(_read(FIXED_POINT, ".signed", "SignedVector(bytes32 instance,int256 signed)"), (SignedVector[]));
        for (uint256 i = 0; i < vectors.length; ++i) {
            vm.assertEq(FixedPoint.toSigned(uint256(vectors[i].instance)), vectors[i].signed);
            vm.assertEq(bytes32(FixedPoint.toInstance(vectors[i].signed)), vectors[i].instance);
        }
        vm.assertLt(0, vectors.length);
    }

    function test_wadsAgree() external view {
        WadVector[] memory vectors =
            abi.decode(_read(FIXED_POINT, ".wad", "WadVector(bytes32 instance,int8 scale,int256 wad)"), (WadVector[]));
        for (uint256 i = 0; i < vectors.length; ++i) {
            vm.assertEq(FixedPoint.toWad(uint256(vectors[i].instance), vectors[i].scale), vectors[i].wad);
        }
        vm.assertLt(0, vectors.length);
    }

    // External, because the libraries read these arguments from calldata.
    function lineId(address creator, string calldata name) external pure returns (bytes32) {
        return Commitments.lineId(creator, name);
    }

    function inputCommitment(bytes32 domain, uint256[] calldata words) external pure returns (bytes32) {
        return Commitments.inputCommitment(domain, words);
    }

    function inferenceId(uint256 model, bytes32 input, bytes calldata output) external pure returns (bytes32) {
        return Commitments.inferenceId(model, input, output);
    }

    function _read(string memory file, string memory key, string memory shape) private view returns (bytes memory) {
        return vm.parseJsonTypeArray(vm.readFile(file), key, shape);
    }

    function _tensors(uint32[] memory elements, int8[] memory scales) private pure returns (Tensor[] memory tensors) {
        tensors = new Tensor[](elements.length);
        for (uint256 i = 0; i < tensors.length; ++i) {
            tensors[i] = Tensor({elements: elements[i], scale: scales[i]});
        }
    }
}
