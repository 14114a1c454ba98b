"""The actions of the social platforms, as one table."""

from __future__ import annotations

from typing import Literal

from hubbub.actions.spec import (
    ActionSpec,
    ActionTable,
    Add,
    Arg,
    Bump,
    Configure,
    Exists,
    Found,
    GoodText,
    Insert,
    Interview,
    Kind,
    NewName,
    Notify,
    NotOwn,
    NotSelf,
    Pairs,
    Positive,
    Query,
    Reason,
    Remove,
    Sell,
    TakeNote,
    With,
    Without,
)

FOLLOW = Pairs("follow", "agent", counter="followers", own_counter="followings")
MUTE = Pairs("mute", "agent", approving=False)
MEMBER = Pairs("member", "group", counter="members")
REPOST = Pairs("repost", "item", counter="shares")
LIKE = Pairs("like", "item", counter="likes")
DISLIKE = Pairs("dislike", "item", counter="dislikes", approving=False)
REPORT = Pairs("report", "item", counter="reports", approving=False)

POST = Arg("post_id", "post", "the id of a post")
COMMENT = Arg("comment_id", "comment", "the id of a comment")
USER = Arg("user_id", "user", "the id of a user")
GROUP = Arg("group_id", "group", "the id of a group")
CONTENT = Arg("content", "text", "the text")
QUERY = Arg("query", "text", "what to look for")


def _reaction(verb: str, noun: Arg, pairs: Pairs, other: Pairs) -> tuple[ActionSpec, ActionSpec]:
    """Return the action that sets a like or dislike and the one that takes it back."""
    undo = f"unlike_{noun.kind}" if verb == "like" else f"undo_dislike_{noun.kind}"
    return (
        ActionSpec(
            f"{verb}_{noun.kind}",
            f"{verb} a {noun.kind}",
            (noun,),
            (Exists(), NotOwn(), Without(pairs)),
            (Add(pairs, withdraws=other),),
        ),
        ActionSpec(
            undo,
            f"take back one's {verb} of a {noun.kind}",
            (noun,),
            (Exists(), With(pairs)),
            (Remove(pairs),),
        ),
    )


def _relation(
    verb: str, undo: str, summary: str, pairs: Pairs, *also: Notify
) -> tuple[ActionSpec, ActionSpec]:
    """Return the action that makes a relation to a user and the one that ends it."""
    return (
        ActionSpec(
            verb,
            summary,
            (USER,),
            (Exists(), NotSelf(), Without(pairs)),
            (Add(pairs), *also),
        ),
        ActionSpec(
            undo,
            f"{undo} a user",
            (USER,),
            (Exists(), NotSelf(), With(pairs)),
            (Remove(pairs),),
        ),
    )


SOCIAL = ActionTable(
    (
        ActionSpec("do_nothing", "do nothing"),
        ActionSpec("refresh", "look at the feed", effects=(Query("slate"),)),
        ActionSpec(
            "create_post",
            "write a post",
            (CONTENT,),
            (GoodText(),),
            (Insert(Kind.post),),
        ),
        ActionSpec(
            "repost",
            "share a post with the agent's followers",
            (POST,),
            (Exists(), Without(REPOST)),
            (Insert(Kind.repost), Add(REPOST), Notify()),
        ),
        ActionSpec(
            "quote_post",
            "share a post with an added text",
            (POST, CONTENT),
            (Exists(), GoodText()),
            (Insert(Kind.quote), Bump("shares"), Notify()),
            refers="original",
        ),
        *_reaction("like", POST, LIKE, DISLIKE),
        *_reaction("dislike", POST, DISLIKE, LIKE),
        ActionSpec(
            "report_post",
            "report a post to the platform",
            (POST, Arg("reason", "text", "why", required=False)),
            (Exists(), Without(REPORT)),
            (Add(REPORT),),
        ),
        ActionSpec(
            "create_comment",
            "comment on a post, or reply to a comment",
            (
                POST,
                CONTENT,
                Arg("comment_id", "comment", "the comment replied to", required=False),
            ),
            (Exists(), GoodText()),
            (Insert(Kind.comment), Bump("comments"), Notify()),
        ),
        *_reaction("like", COMMENT, LIKE, DISLIKE),
        *_reaction("dislike", COMMENT, DISLIKE, LIKE),
        *_relation("follow", "unfollow", "follow a user", FOLLOW, Notify()),
        *_relation("mute", "unmute", "never see a user's posts again", MUTE),
        ActionSpec("search_posts", "search for posts", (QUERY,), effects=(Query("search_posts"),)),
        ActionSpec("search_user", "search for users", (QUERY,), effects=(Query("search_user"),)),
        ActionSpec("trend", "look at the most liked recent posts", effects=(Query("trend"),)),
        ActionSpec(
            "create_group",
            "found a group",
            (Arg("name", "text", "the group's name"),),
            (GoodText(),),
            (Found("group"), Add(MEMBER)),
        ),
        ActionSpec(
            "join_group",
            "join a group",
            (GROUP,),
            (Exists(), Without(MEMBER)),
            (Add(MEMBER),),
        ),
        ActionSpec(
            "leave_group",
            "leave a group",
            (GROUP,),
            (Exists(), With(MEMBER, Reason.not_member)),
            (Remove(MEMBER),),
        ),
        ActionSpec(
            "send_to_group",
            "write to the members of a group",
            (GROUP, CONTENT),
            (Exists(), With(MEMBER, Reason.not_member), GoodText()),
            (Insert(Kind.message),),
        ),
        ActionSpec(
            "listen_from_group",
            "read the groups and their new messages",
            effects=(Query("groups"),),
        ),
        ActionSpec(
            "purchase_product",
            "buy a product",
            (
                Arg("product_name", "product", "the product's name"),
                Arg("quantity", "number", "how many, at least 1"),
            ),
            (Exists(), Positive()),
            (Sell(),),
        ),
        ActionSpec(
            "interview",
            "answer a question; the agent does not remember it",
            (Arg("question", "text", "the question"),),
            (GoodText(),),
            (Interview(),),
            environment_only=True,
        ),
        ActionSpec(
            "sign_up",
            "a new user joins",
            (Arg("profile", "record", "user_name, name, bio and any other field"),),
            (NewName("agent"),),
            (Found("agent"),),
            environment_only=True,
        ),
        ActionSpec(
            "sign_up_product",
            "a new product is offered",
            (Arg("name", "text", "the product's name"),),
            (GoodText(), NewName("product")),
            (Found("product"),),
            environment_only=True,
        ),
        ActionSpec(
            "configure",
            "settings of the scenario change from now on",
            (Arg("settings", "record", "new values by dotted name"),),
            effects=(Configure(),),
            environment_only=True,
        ),
        ActionSpec(
            "reflect",
            "rewrite the agent's note to itself",
            (CONTENT,),
            (GoodText(),),
            (TakeNote(),),
            environment_only=True,
        ),
    )
)


def custom_counters(table: ActionTable, over: Literal["item", "agent"]) -> tuple[str, ...]:
    """Return the counters of items or agents that custom actions add and agents are shown."""
    found: dict[str, bool] = {}  # in order of first mention; hidden if any mention says so

    def mention(name: str | None, *, shown: bool) -> None:
        if name:
            found[name] = found.get(name, True) and shown

    for pairs in table.pairs:
        if pairs.over == over:
            mention(pairs.counter, shown=pairs.shown)
        if over == "agent":
            mention(pairs.own_counter, shown=pairs.shown)
    for effect in (e for spec in table for e in spec.effects):
        if over == "item" and isinstance(effect, Bump):
            mention(effect.counter, shown=effect.shown)
    return tuple(name for name, shown in found.items() if shown and name not in _BUILT_IN)


_BUILT_IN = {
    *SOCIAL.item_counters,
    *(name for p in SOCIAL.pairs for name in (p.counter, p.own_counter) if name),
}
