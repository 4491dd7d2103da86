import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.merkle import NO_ROOT, Seal, Tree, fingerprint, leaf, node

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split at the largest power of two below the number."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(by_definition(leaves[:split]), by_definition(leaves[split:]))


def root_of(leaves: list[bytes]) -> bytes:
    tree = Tree()
    for one in leaves:
        tree.add(one)
    return tree.root()


@given(LEAVES)
def test_the_root_is_the_one_of_rfc_6962(leaves: list[bytes]) -> None:
    assert root_of(leaves) == by_definition(leaves)


@given(LEAVES, st.data())
def test_another_leaf_a_missing_one_and_another_order_give_another_root(
    leaves: list[bytes], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    root = root_of(leaves)
    assert root_of([*leaves[:place], bytes(32), *leaves[place + 1 :]]) != root or leaves[place] == bytes(32)
    assert root_of([*leaves, leaves[place]]) != root
    if leaves[::-1] != leaves:
        assert root_of(leaves[::-1]) != root


def test_a_leaf_holds_its_task_and_is_no_node() -> None:
    digest = hashlib.sha256(b"entry").digest()
    assert len({leaf(None, digest), leaf(1, digest), leaf(256, digest), node(bytes(8), digest)}) == 4
    assert leaf(None, digest) == leaf(0, digest) == hashlib.sha256(b"\0" + bytes(8) + digest).digest()


def test_a_tree_without_leaves_has_no_root() -> None:
    with pytest.raises(ValueError, match="without leaves"):
        Tree().root()


def test_the_text_of_a_seal_is_the_same_for_ever() -> None:
    """Signed seals of years ago are verified against it."""
    seal = Seal(
        hour=datetime(2026, 11, 22, 14, tzinfo=UTC),
        n_first=1,
        n_last=9,
        root=bytes.fromhex("ab" * 32),
        prev_root=NO_ROOT,
    )
    assert seal.text == (
        '{"hour":"2026-11-22T14:00:00+00:00","n_first":1,"n_last":9,'
        f'"prev_root":"{"00" * 32}","root":"{"ab" * 32}"}}'
    )


def test_a_fingerprint_is_eight_groups_of_the_keys_sha_256() -> None:
    digits = hashlib.sha256(bytes(32)).hexdigest()
    assert fingerprint(bytes(32)).replace("-", "") == digits[:32]
    assert [len(group) for group in fingerprint(bytes(32)).split("-")] == [4] * 8
