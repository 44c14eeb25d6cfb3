// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CircuitMetadata} from "../src/CircuitMetadata.sol";
import {EzklReusableVerifier} from "../src/EzklReusableVerifier.sol";
import {EzklVerifier} from "../src/EzklVerifier.sol";
import {InferenceDesk} from "../src/InferenceDesk.sol";
import {InferenceIndex} from "../src/InferenceIndex.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {InputOpening} from "../src/InputOpening.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {SignedInferenceVerifier} from "../src/SignedInferenceVerifier.sol";
import {Test} from "./Test.sol";

/// @dev `snapshots/code.json` is written by Python, from the code that it deploys. What is tested here is that same code.
contract CodeTest is Test {
    string private _snapshot = vm.readFile("snapshots/code.json");

    function test_whatIsTestedHereIsWhatPythonDeploys() external view {
        _isDeployed("CircuitMetadata", type(CircuitMetadata).creationCode);
        _isDeployed("EzklReusableVerifier", type(EzklReusableVerifier).creationCode);
        _isDeployed("EzklVerifier", type(EzklVerifier).creationCode);
        _isDeployed("InferenceDesk", type(InferenceDesk).creationCode);
        _isDeployed("InferenceIndex", type(InferenceIndex).creationCode);
        _isDeployed("InferenceLedger", type(InferenceLedger).creationCode);
        _isDeployed("InputOpening", type(InputOpening).creationCode);
        _isDeployed("ModelRegistry", type(ModelRegistry).creationCode);
        _isDeployed("SignedInferenceVerifier", type(SignedInferenceVerifier).creationCode);
    }

    function _isDeployed(string memory name, bytes memory creationCode) private view {
        string memory sentence = string.concat("keccak256 of the creation code of ", name);
        vm.assertEq(keccak256(creationCode), vm.parseJsonBytes32(_snapshot, string.concat(".['", sentence, "']")));
    }
}
