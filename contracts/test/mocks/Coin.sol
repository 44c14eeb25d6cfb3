// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Reenterer} from "./Reenterer.sol";

/// @dev What the tests need of a token; the answer of `approve` is left out, because not every token gives one.
interface ICoin {
    function approve(address spender, uint256 amount) external;
    function ban(address account, bool banned) external;
    function balanceOf(address account) external view returns (uint256);
    function mint(address to, uint256 amount) external;
}

/// @title A token that anybody mints, and that refuses to pay whom it has banned
contract Coin is ERC20("coin", "COIN") {
    mapping(address account => bool) private _banned;

    error Banned(address account);

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function ban(address account, bool banned) external {
        _banned[account] = banned;
    }

    function _update(address from, address to, uint256 amount) internal virtual override {
        if (_banned[to] && from != address(0)) revert Banned(to);
        super._update(from, to, amount);
    }
}

/// @title A token that keeps a part of what is moved, or moves it the other way, or calls back meanwhile
contract OddCoin is Coin, Reenterer {
    uint256 private _tax;
    bool private _reversed;

    function misbehave(uint256 tax, bool reversed) external {
        (_tax, _reversed) = (tax, reversed);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return _reversed ? super.transferFrom(to, from, amount) : super.transferFrom(from, to, amount);
    }

    /// @dev When it moves the other way it asks for no allowance.
    function allowance(address owner, address spender) public view override returns (uint256) {
        return _reversed ? type(uint256).max : super.allowance(owner, spender);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0)) return super._update(from, to, amount);
        super._update(from, to, amount - _tax);
        if (_tax != 0) super._update(from, address(0), _tax);
        _reenter();
    }
}

/// @title A token of the old kind: it answers nothing, and reverts without a word
contract SilentCoin {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address account => bool) private _banned;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function ban(address account, bool banned) external {
        _banned[account] = banned;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        // forge-lint: disable-next-line(custom-errors)
        if (_banned[to]) revert(); // with empty data
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
