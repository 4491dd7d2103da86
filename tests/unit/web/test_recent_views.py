from server.web import recent_views
from server.web.recent_views import VIEW_S, RecentViews


def test_a_look_is_new_once_in_a_while() -> None:
    views = RecentViews()
    assert [views.is_new("a/c1", at) for at in (0, 1, VIEW_S - 1, VIEW_S, VIEW_S + 1)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert views.is_new("b/c1", 1)


def test_what_is_remembered_is_bounded_and_a_forgotten_look_counts_anew(monkeypatch) -> None:
    monkeypatch.setattr(recent_views, "KNOWN_MAX", 2)
    views = RecentViews()
    assert [views.is_new(view, 0) for view in ("a", "b", "c", "a")] == [True] * 4
