"""The simulation as users hold it."""

from __future__ import annotations

import copy
import threading

import numpy as np
import polars as pl
import pytest

import hubbub as hb
from engine.scenarios import small
from hubbub.actions.spec import ActionSpec, Query
from hubbub.errors import ActionError, RunError, ScenarioError
from hubbub.platform.queries import QUERIES, QueryType

PEOPLE = [
    {"user_name": "ann", "name": "Ann", "bio": "Gardens and books"},
    {"user_name": "bob", "name": "Bob", "bio": "Football every weekend"},
    {"user_name": "cyd", "name": "Cyd", "bio": "Politics and business news"},
    {"user_name": "dee", "name": "Dee", "bio": "Science teacher"},
]


def quiet(**changes):
    """A world of four in which nobody acts by itself."""
    data = {
        "platform": {"preset": "x", "actions": "all"},
        "population": {"records": PEOPLE},
        "products": ["lamp"],
        "agents": [{"policy": "idle"}],
        "encoder": {"kind": "hashing"},
    }
    return hb.Simulation(hb.Scenario(**{**data, **changes}))


def test_a_world_in_code_from_first_post_to_export(tmp_path):
    sim = quiet()
    sim.reset(seed=7)
    out = sim.act(3, "create_post", content="Hello, world!")
    assert (out.ok, out.reason, out.id) == (True, "ok", 0)
    sim.step({0: [hb.Action("like_post", post_id=out.id)]})
    assert sim.run(60) == 61
    assert sim.world.item(0).likes == 1
    assert sim.world.agent(3).name == "Dee"
    sim.export("oasis", tmp_path / "out.db")
    assert (tmp_path / "out.db").stat().st_size > 0
    assert sim.posts()["content"].to_pylist() == ["Hello, world!"]
    assert sim.agents()["user_name"].to_pylist() == ["ann", "bob", "cyd", "dee"]
    sim.close()


def test_scripted_agents_do_as_told_and_only_they_with_only():
    sim = hb.Simulation(small(events=[]))
    sim.reset()
    report = sim.step(
        {5: [hb.Action("create_post", content="first"), hb.Action("do_nothing")]}, only=True
    )
    assert (report.active, report.accepted, report.refused) == (1, 2, 0)
    report = sim.step({5: [hb.Action("create_post", content="second")]})
    assert report.active > 20
    mine = [e for e in sim.events().to_pylist() if e["agent"] == 5 and e["step"] == 2]
    assert [(e["action"], e["content"]) for e in mine] == [("create_post", "second")]


def test_scripted_agents_wake_when_their_lines_are_due():
    script = {2: [{"agent": "bob", "action": "create_post", "content": "On time"}]}
    sim = quiet(agents=[{"policy": "scripted", "script": script}, {"policy": "idle"}])
    sim.run(3)
    assert [(e["step"], e["agent"]) for e in sim.events().to_pylist() if e["step"]] == [(2, 1)]


def test_queries_answer_at_once():
    sim = quiet()
    sim.reset()
    lamp = sim.act(0, "create_post", content="A lamp is on SALE")
    sim.act(1, "create_post", content="Rain again")
    sim.act(1, "like_post", post_id=lamp.id)
    assert sim.act(2, "search_posts", query="sale").result == [lamp.id]
    assert sim.act(2, "search_user", query="FOOTBALL").result == [1]
    assert sim.act(2, "trend").result == [0, 1]
    assert sim.act(2, "search_posts", query="nowhere").result == []
    group = sim.act(0, "create_group", name="gardeners")
    assert sim.act(1, "join_group", group_id=group.id).ok
    assert sim.act(0, "send_to_group", group_id=group.id, content="Welcome").ok
    heard = sim.act(1, "listen_from_group").result
    assert heard["groups"][0]["name"] == "gardeners"
    assert heard["messages"][0]["content"] == "Welcome"
    assert sim.act(2, "listen_from_group").result["messages"] == []
    sim.act(2, "follow", user_id=0)
    sim.act(1, "create_comment", post_id=lamp.id, content="Mine broke, @cyd")
    seen = sim.act(2, "refresh").result
    assert (seen.user_name, seen.followings, seen.groups) == ("cyd", 1, ())
    assert [(n.what, n.user_name) for n in seen.notices] == [("mention", "bob")]
    post = next(p for p in seen.posts if p.id == lamp.id)
    assert (post.user_name, post.content, post.likes) == ("ann", "A lamp is on SALE", 1)
    assert [c.content for c in post.comments] == ["Mine broke, @cyd"]
    assert (post.score, post.warning, post.age_minutes) == (None, None, 3.0)
    (group,) = sim.act(1, "refresh").result.groups
    assert (group.id, group.name, group.members) == (0, "gardeners", 2)


def test_what_is_shown_on_reddit_has_scores_warnings_and_news_since_the_last_time_awake():
    sim = quiet(platform={"preset": "reddit", "actions": "all", "report_threshold": 2})
    sim.reset()
    post = sim.act(0, "create_post", content="Buy this lamp").id
    sim.act(1, "dislike_post", post_id=post)
    sim.act(1, "report_post", post_id=post, reason="spam")
    assert sim.act(3, "refresh").result.posts[0].warning is None
    sim.act(2, "report_post", post_id=post)
    (shown,) = sim.act(3, "refresh").result.posts
    assert (shown.score, shown.likes, shown.warning) == (-1, None, "reported by 2 users")
    sim.act(1, "follow", user_id=3)
    assert [n.what for n in sim.act(3, "refresh").result.notices] == ["follow"]
    sim.step({3: [hb.Action("do_nothing")]})
    sim.step({3: [hb.Action("do_nothing")]})
    assert sim.act(3, "refresh").result.notices == ()


def test_shopping():
    sim = quiet()
    assert sim.act(0, "purchase_product", product_name="lamp", quantity=3).ok
    assert sim.act(0, "purchase_product", product_name="lmap", quantity=3).reason == "not_found"
    assert sim.world.products["sales"].tolist() == [3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((0, "lik_post", {}), "there is no action 'lik_post' (did you mean 'like_post'?)"),
        ((0, "like_post", {}), "like_post needs the argument 'post_id'"),
        (
            (0, "like_post", {"post": 1}),
            "like_post has no argument 'post' (did you mean 'post_id'?",
        ),
        ((0, "like_post", {"post_id": "x"}), "'post_id' must be a whole number, not 'x'"),
        ((0, "create_post", {"content": 5}), "'content' must be a text, not 5"),
        ((9, "do_nothing", {}), "there is no agent 9; ids go from 0 to 3"),
    ],
)
def test_calls_that_no_platform_could_understand(call, message):
    agent, name, args = call
    sim = quiet()
    with pytest.raises(ActionError) as error:
        sim.act(agent, name, **args)
    assert message in str(error.value)


def test_an_action_that_is_not_switched_on_is_refused():
    sim = quiet(platform={"preset": "x", "actions": ["create_post"]})
    assert sim.act(0, "follow", user_id=1).reason == "not_allowed"


def test_the_environments_events_come_first_and_in_order():
    sim = hb.Simulation(small())
    sim.run(8)
    rows = [e for e in sim.events().to_pylist() if e["wave"] < 0]
    assert [(e["step"], e["action"]) for e in rows] == [
        (0, "sign_up_product"),
        (2, "create_post"),
        (3, "sign_up"),
        (4, "create_post"),
        (6, "configure"),
        (7, "sign_up_product"),
        (8, "configure"),
    ]
    assert sim.world.agent(120).user_name == "zoe"
    assert sim._society.decider.platform.show_score
    assert sim._society.decider.platform.exclusive_reactions
    zoe = next(r for r in rows if r["agent"] == 120)
    assert (zoe["step"], zoe["content"]) == (4, "Hi @zoe here")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"step": 1, "act": "creat_post", "by": 0}, "did you mean 'create_post'"),
        ({"step": 1, "act": "create_post", "by": 0}, "needs the argument 'content'"),
        ({"step": 1, "act": "trend", "by": "nobody"}, "no agent with the user name 'nobody'"),
        ({"step": 1, "act": "trend", "by": 900}, "there is no agent 900"),
        ({"step": 1, "set": {"population.file": "x"}}, "cannot change in mid-run"),
        ({"step": 1, "set": {"feed.prest": "hot"}}, "did you mean"),
        ({"step": 1, "set": {"feed.preset": "cold"}}, "feed.preset"),
        ({"step": 1, "set": {"platform.actions": ["lik_post"]}}, "there is no action 'lik_post'"),
        ({"step": 1, "set": {"feed.ranker": "no_such:x"}}, "cannot import 'no_such'"),
        (
            {"step": 1, "set": {"feed.sources": [{"source": "numpy:ones"}]}},
            "list a source with  slots: 0",
        ),
        ({"step": 1, "set": {"behaviour.base": {"lik_post": 1}}}, "lik_post"),
        ({"step": 1, "sign_up": {"name": "Zoe"}}, "user_name is missing"),
        ({"step": 1, "act": "sign_up", "by": 0, "args": {"user_name": "q"}}, "sign_up:"),
        ({"step": 1, "act": "configure", "by": 0, "args": {"settings": {"seed": 5}}}, "set:"),
    ],
)
def test_a_schedule_that_cannot_be_carried_out_is_refused_at_the_start(event, message):
    sim = hb.Simulation(small(events=[event]))
    with pytest.raises(ScenarioError) as error:
        sim.reset()
    assert message in str(error.value)


def test_nobody_acts_before_signing_up_or_signs_up_twice():
    late = [
        {"step": 3, "sign_up": {"user_name": "zoe"}},
        {"step": 2, "act": "trend", "by": "zoe"},
    ]
    with pytest.raises(ScenarioError, match=r"events\.1\.by: .*'zoe' at step 2"):
        hb.Simulation(small(events=late)).reset()
    twice = [{"step": s, "sign_up": {"user_name": "zoe"}} for s in (1, 2)]
    with pytest.raises(ScenarioError, match=r"events\.1\.sign_up: there is an agent 'zoe' already"):
        hb.Simulation(small(events=twice)).reset()


def test_a_setting_that_makes_no_sense_is_refused_before_it_is_kept(tmp_path):
    sim = quiet()
    sim.run(1)
    with pytest.raises(ScenarioError, match="there is no action 'nope'"):
        sim.act(0, "configure", settings={"platform.actions": ["nope"]})
    assert "configure" not in sim.events()["action"].to_pylist()
    sim.step()


def test_the_comments_of_the_muted_are_not_shown():
    sim = quiet(platform={"preset": "reddit", "actions": "all"})
    post = sim.act(0, "create_post", content="What do you think?").id
    sim.act(1, "create_comment", post_id=post, content="Rubbish")
    sim.act(3, "create_comment", post_id=post, content="Lovely")

    def shown(agent):
        (seen,) = sim.act(agent, "refresh").result.posts
        return sorted(c.content for c in seen.comments)

    assert shown(2) == ["Lovely", "Rubbish"]
    sim.act(2, "mute", user_id=1)
    assert shown(2) == ["Lovely"]
    assert shown(3) == ["Lovely", "Rubbish"]


def test_a_step_takes_one_action_or_several_and_nothing_else():
    sim = quiet()
    sim.step({0: hb.Action("create_post", content="One")})
    assert len(sim.world.items) == 1
    with pytest.raises(ActionError, match="takes actions such as"):
        sim.step({0: [("like_post",)]})
    with pytest.raises(ActionError, match=r"no agent 0\.5"):
        sim.act(0.5, "do_nothing")


def test_stop_before_run_ends_it_before_the_first_step():
    sim = hb.Simulation(small())
    sim.reset()
    sim.stop()
    assert sim.run() == 0
    assert sim.run() == 12


def test_the_calendar_has_an_end():
    sim = quiet(time={"start": "9999-12-31T23:00", "step_minutes": 30})
    with pytest.raises(ScenarioError, match="beyond the year 9999"):
        sim.run(60)
    sim.step()
    with pytest.raises(ScenarioError, match="beyond the year 9999"):
        sim.step()


def test_an_extended_run_knows_its_new_end_after_an_interruption(tmp_path):
    sim = hb.Simulation(small(), out=tmp_path / "run")
    sim.run()
    sim.extend(3)
    sim.run(1)
    sim.close()
    again = hb.Simulation.resume(tmp_path / "run")
    assert again.run() == 15
    again.close()


def test_extending_never_shortens_a_run():
    sim = hb.Simulation(small())
    sim.run(5)
    sim.extend(3)
    assert sim.scenario.steps == 12
    for wrong in (-3, 1.5, "3", True):
        with pytest.raises(RunError, match="whole number from 0 on"):
            sim.extend(wrong)
        with pytest.raises(RunError, match="whole number from 0 on"):
            sim.run(wrong)


def test_looking_leaves_no_trace():
    looked, other = hb.Simulation(small()), hb.Simulation(small())
    for sim in (looked, other):
        sim.run(6)
    for agent in range(0, 120, 7):
        looked.show(agent)
        looked.explain(agent)
    for pairs in looked.world.sets.values():
        pairs.keys()
        pairs.columns()
    for sim in (looked, other):
        sim.run()
    assert looked.digest() == other.digest()


def test_the_scenario_itself_is_checked_before_its_events():
    bad = {"agents": [{"policy": "no_such:X"}], "events": [{"step": 1, "set": {"feed.window": 9}}]}
    with pytest.raises(ScenarioError, match=r"^agents\.0\.policy: cannot import"):
        hb.Simulation(small(**bad)).reset()


def test_muting_makes_room_for_other_comments():
    sim = quiet(platform={"preset": "reddit", "actions": "all"}, feed={"comments": 2})
    post = sim.act(0, "create_post", content="What do you think?").id
    best = [sim.act(1, "create_comment", post_id=post, content=f"Bob {i}").id for i in range(2)]
    for comment in best:
        sim.act(2, "like_comment", comment_id=comment)
    for i in range(3):
        sim.act(2, "create_comment", post_id=post, content=f"Cyd {i}")
    assert [c.content for c in sim.show(3).posts[0].comments] == ["Bob 0", "Bob 1"]
    sim.act(3, "mute", user_id=1)
    assert [c.content for c in sim.show(3).posts[0].comments] == ["Cyd 0", "Cyd 1"]


def test_half_a_character_is_refused_in_a_scenario():
    with pytest.raises(ScenarioError, match="half a character"):
        quiet(population={"records": [{"user_name": "a\ud800"}]})


def test_a_hook_that_fails_after_a_stop_does_not_stop_the_next_run():
    sim = hb.Simulation(small())

    class Failing(hb.Hook):
        def stepped(self, report):
            sim.stop()
            raise ValueError(report.step)

    with pytest.raises(ValueError, match="1"):
        sim.run(hooks=[Failing()])
    assert sim.run() == 12


def test_reset_begins_again_in_memory_but_not_on_disk(tmp_path):
    sim = hb.Simulation(small())
    sim.run(3)
    first = sim.digest()
    sim.reset()
    assert sim.t == 0
    sim.run(3)
    assert sim.digest() == first
    kept = hb.Simulation(small(), out=tmp_path / "run")
    kept.run(1)
    with pytest.raises(RunError, match="another folder"):
        kept.reset()
    kept.close()


def test_a_newcomer_and_a_changed_setting_between_steps(tmp_path):
    sim = quiet()
    sim.reset()
    new = sim.act(0, "sign_up", user_name="eve", name="Eve", bio="Chess")
    assert (new.ok, new.id) == (True, 4)
    assert sim.act(0, "sign_up", user_name="eve").reason == "duplicate"
    assert sim.act(4, "follow", user_id=0).ok
    assert sim.act(0, "configure", settings={"platform.max_text_length": 5}).ok
    assert sim.act(4, "create_post", content="Hello!").reason == "bad_text"
    with pytest.raises(ScenarioError, match="cannot change in mid-run"):
        sim.act(0, "configure", settings={"seed": 3})
    sim.step()
    assert sim.world.settings == {"platform.max_text_length": 5}


def test_tables_go_to_pandas_and_polars():
    sim = quiet()
    sim.act(0, "create_post", content="One")
    assert sim.posts().to_pandas()["content"].tolist() == ["One"]
    assert copy.deepcopy(sim.posts()) == sim.posts()
    assert sim.posts().to_polars()["user_name"].to_list() == ["ann"]
    assert pl.DataFrame(sim.agents())["name"].to_list() == ["Ann", "Bob", "Cyd", "Dee"]
    assert len(sim.events()) == sim.events().num_rows == 2


def test_a_person_can_ask_why_a_post_is_not_shown():
    sim = quiet()
    sim.act(0, "create_post", content="Mine")
    sim.act(1, "create_post", content="Another's")
    sim.act(2, "create_post", content="A pest's")
    sim.act(0, "mute", user_id=2)
    verdicts = {e.item: e.verdict for e in sim.explain(0)}
    assert verdicts == {0: "own", 1: "shown", 2: "muted"}


def test_agents_go_by_id_or_user_name():
    sim = quiet()
    post = sim.act("dee", "create_post", content="Hello")
    assert sim.world.item(post.id).author == 3
    sim.step({"ann": [hb.Action("like_post", post_id=post.id)]})
    assert sim.world.item(post.id).likes == 1
    assert repr(sim) == "<Simulation 'run', step 1 of 60: 4 agents, 1 items>"
    with pytest.raises(ActionError, match="no agent with the user name 'eve'"):
        sim.act("eve", "trend")


class Broken:
    def decide(self, obs):
        return "nothing" if obs.step == 2 else obs.slate.nonsense


def crooked(world, agent, item):
    return item


def test_errors_of_own_code_say_where_it_is_named():
    own = "engine.test_simulation:Broken"
    sim = quiet(agents=[{"policy": own}], time={"activity": {"rate": 1.0}})
    with pytest.raises(AttributeError) as error:
        sim.step()
    note = f"This comes from agents.0.policy '{own}', in step 1 of the run."
    assert error.value.__notes__ == [note]
    sim.step({a: [] for a in range(4)})
    with pytest.raises(ScenarioError, match="must return an ActionBatch, not str"):
        sim.step()
    ranker = "engine.test_simulation:crooked"
    sim = quiet(feed={"ranker": ranker}, time={"activity": {"rate": 1.0}})
    sim.act(0, "create_post", content="x")
    with pytest.raises(TypeError) as error:
        sim.step()
    assert ranker in error.value.__notes__[0]


def test_a_closed_simulation_says_so():
    sim = quiet()
    sim.run(1)
    sim.close()
    with pytest.raises(RunError, match="closed"):
        sim.step()


def test_an_existing_folder_is_never_written_over(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    sim = hb.Simulation(small(), out=tmp_path)
    with pytest.raises(RunError, match=r"exists|not empty"):
        sim.reset()
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_writers_of_one_run_are_refused(tmp_path):
    sim = hb.Simulation(small(), out=tmp_path / "run")
    sim.run(1)
    with pytest.raises(RunError, match=r"in use|locked|another"):
        hb.Simulation.resume(tmp_path / "run")
    sim.close()
    hb.Simulation.resume(tmp_path / "run").close()


def test_hooks_hear_every_step_and_stop_ends_at_a_whole_one():
    sim = hb.Simulation(small())
    heard = []

    class Ear(hb.Hook):
        def stepped(self, report):
            heard.append(report)
            if report.step == 4:
                threading.Thread(target=sim.stop).run()

    assert sim.run(hooks=[Ear()]) == 4
    assert [r.step for r in heard] == [1, 2, 3, 4]
    assert all(r.active >= r.accepted / 2 > 0 for r in heard)
    assert set(heard[0].seconds) == {"activation", "feed", "policy", "apply", "commit"}
    assert sim.run() == 12


def test_an_interview_is_recorded_and_changes_nothing_else():
    sim = quiet()
    sim.reset()
    items = len(sim.world.items)
    assert sim.act(1, "interview", question="How are you?").ok
    assert len(sim.world.items) == items
    assert sim.events()["content"].to_pylist()[-1] == "How are you?"


LOOK_BACK = ActionSpec("look_back", "look at what you wrote", effects=(Query("my_posts"),))


def test_a_custom_query_is_answered_by_act(monkeypatch):
    def prepare(moment):
        author = moment.world.items["author"][: moment.items].copy()
        return lambda agent, text: np.flatnonzero(author == agent).tolist()

    monkeypatch.setitem(QUERIES, "my_posts", QueryType("posts", prepare))
    platform = {"actions": "all", "extra_actions": ["engine.test_simulation:LOOK_BACK"]}
    with quiet(platform=platform) as sim:
        sim.act(3, "create_post", content="mine")
        sim.act(2, "create_post", content="not mine")
        sim.act(3, "create_post", content="mine too")
        assert sim.act(3, "look_back").result == [0, 2]
        assert sim.look_up(0, "look_back") == []
