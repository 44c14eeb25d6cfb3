// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHalo2Verifier} from "../src/interfaces/IHalo2Verifier.sol";
import {IInferenceGateway} from "../src/interfaces/IInferenceGateway.sol";
import {IInferenceLedger} from "../src/interfaces/IInferenceLedger.sol";
import {Stage} from "./Stage.sol";

/// @dev What the bridge costs on top of the verification itself, for 8 instances and a proof of 2 KB: executed gas, with
/// the fixed price of a transaction and of its calldata taken off, and every account and slot cold, as in a transaction.
contract GasTest is Stage {
    event Measured(string what, uint256 gas);

    uint256[] private _values = _instances(0);
    bytes private _proof = halo2.mockProve(_values);
    Inference private _told = _inference(_values);

    /// @dev Of these, 37 511 are the price of the design itself: three cold accounts, two cold slots read, one slot written,
    /// one event.
    /// forge-config: default.isolate = true
    function test_aRecordedInferenceCostsLessThan45000GasAboveItsVerification() external {
        bytes memory store = abi.encodeCall(
            IInferenceLedger.verifyAndStoreInference, (model, _told.inputCommitment, _told.output, _told.proof)
        );
        uint256 overhead = _executed(address(ledger), store) - _verification();
        emit Measured("verifyAndStoreInference", overhead);
        vm.assertLt(overhead, 45_000);

        uint256 again = _executed(address(ledger), store);
        emit Measured("verifyAndStoreInference, recorded already", again);
        vm.assertLt(again, 5_000);
    }

    /// forge-config: default.isolate = true
    function test_aVerifiedInferenceCostsLessThan26000GasAboveItsVerification() external {
        uint256 overhead = _executed(
            address(gateway),
            abi.encodeCall(IInferenceGateway.verifyAndGrade, (model, _told.inputCommitment, _told.output, _told.proof))
        ) - _verification();
        emit Measured("verifyAndGrade", overhead);
        vm.assertLt(overhead, 26_000);
    }

    function _verification() private returns (uint256) {
        return _executed(address(halo2), abi.encodeCall(IHalo2Verifier.verifyProof, (_proof, _values)));
    }

    /// @dev The gas of a transaction without its intrinsic part.
    function _executed(address target, bytes memory data) private returns (uint256 gas) {
        (bool success,) = target.call(data);
        vm.assertEq(success, true);
        gas = vm.lastCallGas().gasTotalUsed - 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas -= data[i] == 0 ? 4 : 16;
        }
    }
}
