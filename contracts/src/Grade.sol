// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @notice What stands behind a result, from weakest to strongest. Ordered, so that a consumer can ask for "at least".
/// A grade is written once, with the result it belongs to, and never raised afterwards.
enum Grade {
    /// Somebody says so.
    Claimed,
    /// A known key signed it.
    Signed,
    /// Hardware or a committee attests to the run.
    Attested,
    /// A contract checked a validity proof of the inference.
    Proven
}
