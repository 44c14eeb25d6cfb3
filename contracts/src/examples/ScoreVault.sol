// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {VerifiedInferenceConsumer} from "../VerifiedInferenceConsumer.sol";

/// @title Example: a vault that releases only on a verified score
/// @notice Somebody deposits for a payee, on condition that a model gives the input they name at least the score they
/// name: a loan that waits for a credit score, a bounty that waits for a classifier. Anybody releases it with the output,
/// once the ledger holds the proof; after the deadline the depositor takes it back.
///
/// The depositor names the input, so the payee cannot look for one that scores better. The score is the first word of the
/// output. Nobody can release or take back twice, nobody owns the vault, and the two ways out never overlap.
contract ScoreVault is VerifiedInferenceConsumer {
    // | slot | bytes  | field           | why it is there                                     |
    // |------|--------|-----------------|-----------------------------------------------------|
    // | 0    | 20 + 6 | from, deadline  | who takes it back, and when                         |
    // | 1    | 20     | to              | who is paid                                         |
    // | 2    | 32     | amount          | how much; zero once it has left the vault           |
    // | 3    | 32     | minScore        | from what score, with 18 decimals                   |
    // | 4    | 32     | inputCommitment | of which input                                      |
    struct Deposit {
        address from;
        uint48 deadline; // the last second of release; taken back only after it
        address to;
        uint256 amount;
        int256 minScore;
        bytes32 inputCommitment;
    }

    /// @notice Ether was deposited.
    event Deposited(uint256 indexed depositId, Deposit deposit);

    /// @notice A deposit was paid out on a score.
    event Released(uint256 indexed depositId, int256 score);

    /// @notice A deposit went back to who made it.
    event Refunded(uint256 indexed depositId);

    /// @notice Nothing was sent along.
    error NothingDeposited();

    /// @notice No such deposit, or it has left the vault.
    error NothingHeld(uint256 depositId);

    /// @notice The score is verified, and below what the depositor asks for.
    error ScoreTooLow(uint256 depositId, int256 expected, int256 got);

    /// @notice The deadline is over. Likely cause: proven too late, or a deadline in the past.
    error TooLate(uint256 deadline);

    /// @notice The deadline is not over.
    error TooEarly(uint256 deadline);

    /// @notice The scale of the output of the model.
    int8 public immutable scale;

    // | slot | field    | why it is there                   |
    // |------|----------|-----------------------------------|
    // | 0    | deposits | by id; the first is 0             |
    Deposit[] public deposits;

    constructor(Terms memory terms_, int8 scale_) VerifiedInferenceConsumer(terms_) {
        scale = scale_;
    }

    /// @notice Deposits what is sent along.
    function deposit(address to, bytes32 inputCommitment, int256 minScore, uint48 deadline)
        external
        payable
        returns (uint256 depositId)
    {
        if (msg.value == 0) revert NothingDeposited();
        if (block.timestamp > deadline) revert TooLate({deadline: deadline});
        depositId = deposits.length;
        Deposit memory made = Deposit({
            from: msg.sender,
            deadline: deadline,
            to: to,
            amount: msg.value,
            minScore: minScore,
            inputCommitment: inputCommitment
        });
        deposits.push(made);
        emit Deposited({depositId: depositId, deposit: made});
    }

    /// @notice Pays out a deposit, if the output is the verified one and its score suffices. Anybody may.
    function release(uint256 depositId, bytes calldata output) external {
        Deposit storage held = _held(depositId);
        if (block.timestamp > held.deadline) revert TooLate({deadline: held.deadline});
        _verified(held.inputCommitment, output);
        int256 score = _wadAt(output, 0, scale);
        if (score < held.minScore) revert ScoreTooLow({depositId: depositId, expected: held.minScore, got: score});

        uint256 amount = held.amount;
        held.amount = 0;
        emit Released({depositId: depositId, score: score});
        Address.sendValue(payable(held.to), amount);
    }

    /// @notice Gives a deposit back after its deadline. Anybody may; it goes to who made it.
    function refund(uint256 depositId) external {
        Deposit storage held = _held(depositId);
        if (block.timestamp <= held.deadline) revert TooEarly({deadline: held.deadline});

        uint256 amount = held.amount;
        held.amount = 0;
        emit Refunded({depositId: depositId});
        Address.sendValue(payable(held.from), amount);
    }

    function _held(uint256 depositId) private view returns (Deposit storage held) {
        if (depositId >= deposits.length || deposits[depositId].amount == 0) {
            revert NothingHeld({depositId: depositId});
        }
        return deposits[depositId];
    }
}
