// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Circuit, CircuitLib} from "../src/Circuit.sol";
import {CircuitMetadata} from "../src/CircuitMetadata.sol";
import {ICircuitMetadata} from "../src/interfaces/ICircuitMetadata.sol";
import {IERC7992Registry} from "../src/interfaces/draft-IERC7992.sol";
import {IERC8084} from "../src/interfaces/draft-IERC8084.sol";
import {Stage} from "./Stage.sol";

contract CircuitMetadataTest is Stage {
    CircuitMetadata private metadata = new CircuitMetadata(ledger, model, _circuit());

    function test_itSaysWhatItIs() external view {
        vm.assertEq(address(metadata.ledger()), address(ledger));
        vm.assertEq(metadata.supportsInterface(type(IERC8084).interfaceId), true);
        vm.assertEq(metadata.supportsInterface(type(ICircuitMetadata).interfaceId), true);
        vm.assertEq(metadata.supportsInterface(0xffffffff), false);
    }

    function test_itIsAnnouncedInTheTransactionThatMakesIt() external {
        vm.recordLogs();
        new CircuitMetadata(ledger, model, _circuit());
        vm.assertEq(vm.getRecordedLogs()[0].topics[0], IERC8084.CircuitMetadataUpdated.selector);
    }

    function test_circuitVersionAndProofSystemAreThoseOfTheStandard() external view {
        vm.assertEq(metadata.circuitId(), bytes32(model));
        vm.assertEq(uint256(metadata.circuitVersion()), 1 << 32);
        vm.assertEq(bytes32(metadata.proofSystem()), bytes32(bytes4(0x00000003)));
    }

    function test_theSchemaAtItsUriHasTheHashThatIsTold() external view {
        string memory uri = metadata.publicInputsSchemaURI();
        bytes memory head = "data:application/octet-stream;base64,";
        bytes memory body = bytes(uri);
        bytes memory coded = new bytes(body.length - head.length);
        for (uint256 i = 0; i < body.length; ++i) {
            if (i < head.length) vm.assertEq(uint256(uint8(body[i])), uint256(uint8(head[i])));
            else coded[i - head.length] = body[i];
        }
        bytes memory document = Base64.decode(string(coded));
        vm.assertEq(keccak256(document), metadata.publicInputsSchemaHash());
        vm.assertEq(metadata.publicInputsSchemaHash(), CircuitLib.hash(_circuit()));
        (, Circuit memory circuit) = abi.decode(document, (bytes32, Circuit));
        vm.assertEq(abi.encode(circuit), abi.encode(_circuit()));
    }

    function test_theKeyIsFoundAtTheVerifierAndHasTheHashOfTheCommitment() external view {
        string memory expected = string.concat(
            "ethereum:",
            Strings.toChecksumHexString(address(ezkl)),
            "@31337/bindingOf?uint256=",
            Strings.toString(model),
            "#",
            Strings.toHexString(uint256(address(halo2).codehash), 32)
        );
        vm.assertEq(bytes(metadata.verificationKeyURI()), bytes(expected));
    }

    function test_anotherDescriptionIsRefused() external {
        Circuit memory other = _circuit();
        other.outputs[0].scale = 7;
        vm.expectRevert(
            abi.encodeWithSelector(
                CircuitLib.CircuitMismatch.selector, model, CircuitLib.hash(_circuit()), CircuitLib.hash(other)
            )
        );
        new CircuitMetadata(ledger, model, other);
    }

    function test_aModelThatIsNotListedHasNoMetadata() external {
        vm.expectRevert(abi.encodeWithSelector(IERC7992Registry.ModelNotFound.selector, 7));
        new CircuitMetadata(ledger, 7, _circuit());
    }

    function test_aModelWithoutProofsHasNoMetadata() external {
        IERC7992Registry.ModelCommitment memory commitment = _commitment(address(halo2));
        commitment.proofSystemId = claims.proofSystemId();
        uint256 modelId = registry.registerModel(commitment);
        vm.expectRevert(
            abi.encodeWithSelector(ICircuitMetadata.NoCircuitProofs.selector, modelId, commitment.proofSystemId)
        );
        new CircuitMetadata(ledger, modelId, _circuit());
    }
}
