// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ModelRegistry} from "../src/ModelRegistry.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev Must fail. If halmos proves it, `_anyCall` calls nothing, or halmos says yes to everything, and no proof means anything.
contract CanaryProof is Symbolic {
    ModelRegistry private registry;
    uint256 private model;

    function setUp() external {
        registry = new ModelRegistry();
        model = registry.registerModel(
            IERC7992Registry.ModelCommitment({
                modelHash: keccak256("model"),
                circuitHash: keccak256("circuit"),
                vkHash: keccak256("vk"),
                proofSystemId: 0x12345678,
                uri: ""
            })
        );
    }

    /// @dev One caller of one function deprecates the model.
    function check_thisFails(address caller) external {
        bytes4 update = IERC7992Registry.updateModel.selector;
        _anyCallBut(update, caller, address(registry), "ModelRegistry");
        assert(registry.isActive(model));
    }
}
