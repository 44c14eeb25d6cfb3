// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {Commitments} from "./Commitments.sol";
import {Grade} from "./Grade.sol";
import {ProofBlob} from "./ProofBlob.sol";
import {Route, RouteLib} from "./Route.sol";
import {Words} from "./Words.sol";
import {IERC7992Verifier} from "./interfaces/draft-IERC7992.sol";
import {IInferenceGateway} from "./interfaces/IInferenceGateway.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";

/// @dev Documented in `IInferenceGateway`.
contract InferenceGateway is IInferenceGateway, ERC165 {
    IModelRegistry internal immutable _registry;
    uint256 private immutable _deploymentChainId;
    bytes32 private immutable _deploymentDomain;

    // In the code and not in storage, where each verification would pay for a cold slot.
    Route private immutable _first;
    Route private immutable _second;
    Route private immutable _third;
    Route private immutable _fourth;

    constructor(IModelRegistry registry_, IProofVerifier[] memory verifiers) {
        _registry = registry_;
        _deploymentChainId = block.chainid;
        _deploymentDomain = Commitments.domain(block.chainid, address(this));

        if (verifiers.length > 4) revert TooManyVerifiers({most: 4, got: verifiers.length});
        Route[4] memory routes;
        for (uint256 i = 0; i < verifiers.length; ++i) {
            routes[i] = _route(verifiers[i]);
            for (uint256 j = 0; j < i; ++j) {
                bytes4 proofSystemId = routes[i].proofSystemId();
                if (routes[j].proofSystemId() == proofSystemId) {
                    revert ProofSystemTwice({proofSystemId: proofSystemId});
                }
            }
        }
        (_first, _second, _third, _fourth) = (routes[0], routes[1], routes[2], routes[3]);
    }

    /// @inheritdoc IERC7992Verifier
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
    {
        verifyAndGrade(modelId, inputCommitment, output, proof);
    }

    /// @inheritdoc IInferenceGateway
    function check(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
        view
        returns (Grade)
    {
        return _check(modelId, inputCommitment, output, proof);
    }

    /// @inheritdoc IInferenceGateway
    function commitmentOf(uint256[] calldata inputWords) external view returns (bytes32) {
        return Commitments.inputCommitment(domain(), inputWords);
    }

    /// @inheritdoc IInferenceGateway
    function verifierOf(bytes4 proofSystemId) external view returns (IProofVerifier) {
        return _find(proofSystemId).verifier();
    }

    /// @inheritdoc IInferenceGateway
    function gradeOf(uint256 modelId) external view returns (Grade) {
        return _routeOf(proofSystemOf(modelId)).grade();
    }

    /// @inheritdoc IInferenceGateway
    function accepts(uint256 modelId) external view returns (bool) {
        if (!_registry.isActive(modelId)) return false;
        IProofVerifier verifier = _find(proofSystemOf(modelId)).verifier();
        return address(verifier) != address(0) && !verifier.isStopped(modelId);
    }

    /// @inheritdoc IERC7992Verifier
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IInferenceGateway
    function verifyAndGrade(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        public
        returns (Grade grade)
    {
        grade = _check(modelId, inputCommitment, output, proof);
        emit InferenceVerified({modelId: modelId, inputCommitment: inputCommitment, output: output, caller: msg.sender});
    }

    /// @inheritdoc IERC7992Verifier
    function proofSystemOf(uint256 modelId) public view returns (bytes4 proofSystemId) {
        (proofSystemId,) = _registry.status(modelId);
    }

    /// @inheritdoc IInferenceGateway
    function domain() public view returns (bytes32) {
        // After a split of the chain both halves hold this contract; each must have a domain of its own.
        return
            block.chainid == _deploymentChainId ? _deploymentDomain : Commitments.domain(block.chainid, address(this));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view virtual override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IERC7992Verifier).interfaceId || interfaceId == type(IInferenceGateway).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _route(IProofVerifier verifier) private returns (Route route) {
        if (!ERC165Checker.supportsInterface(address(verifier), type(IProofVerifier).interfaceId)) {
            revert NotAProofVerifier({candidate: address(verifier)});
        }
        route = RouteLib.to(verifier);
        emit ProofSystemRouted({
            proofSystemId: route.proofSystemId(), verifier: address(verifier), grade: route.grade()
        });
    }

    function _check(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        private
        view
        returns (Grade grade)
    {
        uint256[] calldata instances;
        uint256 inputs;
        (instances, inputs, grade) = _verify(modelId, proof);
        if (Words.hash(domain(), instances[:inputs]) != inputCommitment) revert InputCommitmentMismatch();
        if (!Words.equal(instances[inputs:], output)) revert OutputMismatch();
    }

    /// @dev The instances that are proven, how many of them are the input, and the grade of the proof.
    function _verify(uint256 modelId, bytes calldata blob)
        internal
        view
        returns (uint256[] calldata instances, uint256 inputs, Grade grade)
    {
        (bytes4 proofSystemId, bool deprecated) = _registry.status(modelId);
        if (deprecated) revert VerificationRefused_ModelDeprecated({modelId: modelId});
        Route route = _routeOf(proofSystemId);
        bytes calldata proof;
        (instances, proof) = ProofBlob.decode(blob);
        return (instances, route.verifier().verifyProof(modelId, instances, proof), route.grade());
    }

    function _routeOf(bytes4 proofSystemId) private view returns (Route route) {
        route = _find(proofSystemId);
        if (address(route.verifier()) == address(0)) revert UnsupportedProofSystem({proofSystemId: proofSystemId});
    }

    /// @dev The route of a proof system, or no route.
    function _find(bytes4 proofSystemId) private view returns (Route) {
        if (_first.proofSystemId() == proofSystemId) return _first;
        if (_second.proofSystemId() == proofSystemId) return _second;
        if (_third.proofSystemId() == proofSystemId) return _third;
        return _fourth.proofSystemId() == proofSystemId ? _fourth : Route.wrap(0);
    }
}
