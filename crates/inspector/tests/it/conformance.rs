//! What every kind must do, whatever its server does.

use std::time::{Duration, Instant};

use domain::TenantId;
use guard::Direction;
use inspector::{ANSWER_BYTES_MAX, Connector, Form, Question, Unanswered};
use testkit::{Cut, Reply, ScriptedProvider};

use crate::scene::{
    Bent, CREDENTIAL, Case, TEXT, asking, cases, connector, judge, ok, options, presidio, user,
};

async fn inspect(connector: &Connector, text: &str) -> Result<inspector::Report, Unanswered> {
    connector
        .inspect(&asking(TenantId::generate(), &[user(text)]), || 0)
        .await
}

#[tokio::test]
async fn what_is_asked_and_what_is_found() {
    for Case {
        kind,
        path,
        clean,
        found,
        rule,
        value,
        ..
    } in cases()
    {
        let server = ScriptedProvider::start().await;
        let connector = connector(&kind, &server.base_url(), &Bent::default());
        server.script(path, ok(&clean));
        let report = inspect(&connector, TEXT).await.unwrap();
        assert_eq!((report.findings.len(), report.asked), (0, 1), "{rule}");
        server.script(path, ok(&found));
        let report = inspect(&connector, TEXT).await.unwrap();
        let [(0, finding)] = report.findings.as_slice() else {
            panic!("{rule}: {report:?}");
        };
        assert_eq!((&*finding.rule, &TEXT[finding.span.clone()]), (rule, value));
        for asked in server.requests() {
            assert_eq!(asked.path_only(), path);
            assert_eq!(
                asked.header("authorization"),
                Some(&*format!("Bearer {CREDENTIAL}"))
            );
            assert!(asked.json().to_string().contains("ask Zoë, please"), "{rule}");
        }
        let shown = format!("{connector:?} {report:?} {:?}", user(TEXT));
        assert!(!shown.contains(CREDENTIAL) && !shown.contains("Zoë"), "{shown}");
    }
}

/// What goes wrong on the way, for every kind alike.
fn broken(elsewhere: &ScriptedProvider, clean: &Reply) -> Vec<(&'static str, Reply)> {
    vec![
        ("500", Reply::error(500, "no")),
        ("429", Reply::too_many(1)),
        ("401", Reply::error(401, "who?")),
        ("created", clean.clone().status(201)),
        (
            "redirect",
            Reply::redirect(307, &format!("{}/x", elsewhere.base_url())),
        ),
        ("garbage", Reply::body(200, "application/json", "yes!")),
        ("nothing", Reply::body(200, "application/json", "")),
        ("null", Reply::body(200, "application/json", "null")),
        ("an object", Reply::body(200, "application/json", "{}")),
        ("half", clean.clone().claim_length(5_000).cut_after(3, Cut::Rst)),
        (
            "a megabyte and more",
            Reply::body(200, "application/json", vec![b' '; ANSWER_BYTES_MAX + 1]),
        ),
        ("hang up", Reply::hang_up(Cut::Fin)),
    ]
}

#[tokio::test]
async fn agp_d2_anp_d0005_what_makes_no_sense_is_a_failure_and_never_an_empty_answer() {
    let elsewhere = ScriptedProvider::start().await;
    for Case {
        kind,
        path,
        clean,
        wrong,
        rule,
        ..
    } in cases()
    {
        let server = ScriptedProvider::start().await;
        let wrong = wrong.iter().map(|it| ("wrong", ok(it)));
        for (what, reply) in broken(&elsewhere, &ok(&clean)).into_iter().chain(wrong) {
            // Each a new one, that does not rest.
            let connector = connector(&kind, &server.base_url(), &Bent::default());
            server.script(path, reply);
            let answer = inspect(&connector, TEXT).await;
            let why = answer.expect_err(&format!("{rule}: {what}")).to_string();
            assert!(!why.contains("Zoë") && !why.contains(CREDENTIAL), "{why}");
        }
    }
    assert!(elsewhere.requests().is_empty(), "no redirect is followed");
}

#[tokio::test]
async fn agp_d2_silence_ends_with_the_deadline_and_so_many_are_asked_at_once() {
    let bent = Bent {
        timeout_ms: 300,
        at_once_max: 2,
        ..Bent::default()
    };
    for Case { kind, rule, .. } in cases() {
        let server = ScriptedProvider::start().await;
        server.script("*", Reply::stall_before_head());
        let connector = connector(&kind, &server.base_url(), &bent);
        let texts = ["one", "two", "three", "four", "five"].map(user);
        let began = Instant::now();
        let late = connector
            .inspect(&asking(TenantId::generate(), &texts), || 0)
            .await;
        assert_eq!(late, Err(Unanswered::Late), "{rule}");
        assert!(began.elapsed() < Duration::from_secs(5), "{rule}");
        assert!(server.requests().len() <= 2, "{rule}");
        // Half an answer is as silent.
        server.script(
            "*",
            Reply::json(200, &serde_json::json!([]))
                .claim_length(900)
                .stall_after(1),
        );
        assert_eq!(inspect(&connector, "six").await, Err(Unanswered::Late), "{rule}");
    }
}

#[tokio::test]
async fn agp_d2_it_rests_after_failures_of_its_own_and_not_for_what_one_text_provokes() {
    for Case {
        kind,
        path,
        clean,
        wrong,
        rule,
        ..
    } in cases()
    {
        let server = ScriptedProvider::start().await;
        let connector = connector(&kind, &server.base_url(), &Bent::default());
        for reply in [
            ok(&wrong[0]),
            Reply::error(400, "this text"),
            Reply::error(422, "this text"),
        ] {
            server.script(path, reply);
            for _ in 0..20 {
                assert!(inspect(&connector, TEXT).await.is_err(), "{rule}");
            }
        }
        assert!(!connector.is_resting(0), "{rule}");
        server.script(path, Reply::error(503, "away"));
        for _ in 0..5 {
            assert_eq!(
                inspect(&connector, TEXT).await,
                Err(Unanswered::Status(503)),
                "{rule}"
            );
        }
        server.forget_requests();
        assert_eq!(
            inspect(&connector, TEXT).await,
            Err(Unanswered::Resting),
            "{rule}"
        );
        assert!(connector.is_resting(0) && server.requests().is_empty(), "{rule}");
        server.script(path, ok(&clean));
        let later = || 2_000_000_000;
        let tried = connector
            .inspect(&asking(TenantId::generate(), &[user(TEXT)]), later)
            .await;
        assert!(tried.is_ok() && !connector.is_resting(2_000_000_000), "{rule}");
    }
}

/// Texts that are all different.
fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

#[tokio::test]
async fn agp_d2_a_caller_with_many_texts_does_not_make_it_rest() {
    let server = ScriptedProvider::start().await;
    server.script("/analyze", ok(&serde_json::json!([])).delay(60));
    let bent = Bent {
        timeout_ms: 300,
        at_once_max: 2,
        texts_max: 40,
        ..Bent::default()
    };
    let connector = connector(&presidio(), &server.base_url(), &bent);
    let (texts, too_many) = (many(40), many(41));
    let (greedy, other) = (TenantId::generate(), TenantId::generate());
    for _ in 0..6 {
        let texts: Vec<_> = texts.iter().map(|text| user(text)).collect();
        let late = connector.inspect(&asking(greedy, &texts), || 0).await;
        assert_eq!(late, Err(Unanswered::Crowded));
    }
    server.forget_requests();
    let texts: Vec<_> = too_many.iter().map(|text| user(text)).collect();
    for _ in 0..6 {
        let refused = connector.inspect(&asking(greedy, &texts), || 0).await;
        assert_eq!(refused, Err(Unanswered::TooMany));
    }
    assert!(server.requests().is_empty() && !connector.is_resting(0));
    // While one asks as much as it can, the other has its turn.
    let texts: Vec<_> = texts[..40].to_vec();
    let (all, one) = (asking(greedy, &texts), [user("one")]);
    let (late, answered) = tokio::join!(connector.inspect(&all, || 0), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        connector.inspect(&asking(other, &one), || 0).await
    });
    assert_eq!(late, Err(Unanswered::Crowded));
    assert!(answered.is_ok(), "{answered:?}");
}

#[tokio::test]
async fn agp_d2_silence_makes_it_rest_and_what_could_not_be_asked_mends_nothing() {
    let server = ScriptedProvider::start().await;
    server.script("/analyze", Reply::stall_before_head());
    let bent = Bent {
        timeout_ms: 100,
        at_once_max: 2,
        ..Bent::default()
    };
    let connector = connector(&presidio(), &server.base_url(), &bent);
    for number in 0..5 {
        assert!(!connector.is_resting(0), "{number}");
        assert_eq!(inspect(&connector, TEXT).await, Err(Unanswered::Late));
        // Behind one that is silent.
        let (tenant, one, two) = (TenantId::generate(), [user("one")], [user("two")]);
        let (first, behind) = (asking(tenant, &one), asking(tenant, &two));
        if number < 2 {
            let (first, behind) = tokio::join!(connector.inspect(&first, || 0), async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                connector.inspect(&behind, || 0).await
            });
            assert_eq!((first, behind), (Err(Unanswered::Late), Err(Unanswered::Crowded)));
        }
        if connector.is_resting(0) {
            break;
        }
    }
    assert_eq!(inspect(&connector, TEXT).await, Err(Unanswered::Resting));
}

#[tokio::test]
async fn anp_0018_ctx_t3_nobody_there_no_credential_and_too_long_a_text() {
    for Case {
        kind,
        path,
        clean,
        rule,
        ..
    } in cases()
    {
        let away = connector(&kind, "http://127.0.0.1:9", &Bent::default());
        assert!(
            matches!(inspect(&away, TEXT).await, Err(Unanswered::Unreached(_))),
            "{rule}"
        );

        let server = ScriptedProvider::start().await;
        server.script(path, ok(&clean));
        let bent = Bent {
            text_bytes_max: TEXT.len(),
            ..Bent::default()
        };
        let bare = Connector::new(options(&kind, &server.base_url(), &bent)).unwrap();
        assert_eq!(inspect(&bare, TEXT).await, Err(Unanswered::Withheld), "{rule}");
        let exact = connector(&kind, &server.base_url(), &bent);
        assert_eq!(
            inspect(&exact, &format!("{TEXT}.")).await,
            Err(Unanswered::TooLong),
            "{rule}"
        );
        assert!(server.requests().is_empty(), "{rule}");
        assert!(inspect(&exact, TEXT).await.is_ok(), "{rule}");

        for (address, allow) in [
            ("http://10.1.2.3", false),
            ("http://169.254.169.254", true),
            ("https://a:b@c", true),
        ] {
            let options = inspector::ConnectorOptions {
                address: address.to_owned(),
                allow_plaintext: allow,
                ..options(&kind, address, &Bent::default())
            };
            assert!(Connector::new(options).is_err(), "{rule}: {address}");
        }
    }
}

#[tokio::test]
async fn agp_i2_a_verdict_is_remembered_for_its_tenant_alone() {
    let bent = Bent {
        cache_ms: 600_000,
        ..Bent::default()
    };
    for Case {
        kind,
        path,
        found,
        rule,
        ..
    } in cases()
    {
        let server = ScriptedProvider::start().await;
        server.script(path, ok(&found));
        let connector = connector(&kind, &server.base_url(), &bent);
        let (tenant, texts) = (TenantId::generate(), [user(TEXT)]);
        let first = connector.inspect(&asking(tenant, &texts), || 0).await.unwrap();
        server.script(path, Reply::error(500, "no"));
        let again = connector.inspect(&asking(tenant, &texts), || 0).await.unwrap();
        assert_eq!((again.findings, again.asked), (first.findings, 0), "{rule}");
        assert!(
            connector
                .inspect(&asking(TenantId::generate(), &texts), || 0)
                .await
                .is_err(),
            "{rule}"
        );
        let back = Question {
            direction: Direction::Output,
            ..asking(tenant, &texts)
        };
        assert!(connector.inspect(&back, || 0).await.is_err(), "{rule}");
        assert!(!format!("{connector:?}").contains("Zoë"), "{rule}");
    }
}

#[tokio::test]
async fn blank_texts_are_not_asked_about_and_findings_name_their_texts() {
    let server = ScriptedProvider::start().await;
    let by_text = Reply::from_request(|asked| {
        let text = asked.json()["text"].as_str().unwrap().to_owned();
        let at = text.chars().position(|c| c == 'X');
        let said =
            at.map(|at| serde_json::json!({"entity_type": "URL", "start": at, "end": at + 1, "score": 1.0}));
        ok(&said.into_iter().collect())
    });
    server.script("/analyze", by_text);
    let connector = connector(&presidio(), &server.base_url(), &Bent::default());
    let texts = ["", "éX", " \n", "none", "🙂🙂X"].map(user);
    let report = connector
        .inspect(&asking(TenantId::generate(), &texts), || 0)
        .await
        .unwrap();
    let places = report
        .findings
        .iter()
        .map(|(at, it)| (*at, it.span.clone(), it.category));
    assert_eq!(places.collect::<Vec<_>>(), [(1, 2..3, "url"), (4, 8..9, "url")]);
    assert_eq!((report.asked, server.requests().len()), (3, 3));
}

#[tokio::test]
async fn a_judge_sees_the_conversation_as_one_and_says_what_it_took() {
    let server = ScriptedProvider::start().await;
    server.script("*", ok(&crate::scene::said_by_judge("unsafe\nS1,S10")));
    let connector = connector(&judge(Form::Instructed), &server.base_url(), &Bent::default());
    let texts = ["how do I", "do that"].map(user);
    let report = connector
        .inspect(&asking(TenantId::generate(), &texts), || 0)
        .await
        .unwrap();
    let rules = report.findings.iter().map(|(at, it)| (*at, &*it.rule));
    assert_eq!(
        rules.collect::<Vec<_>>(),
        [(1, "judge:violent_crimes"), (1, "judge:hate")]
    );
    assert_eq!((report.spent.input, report.spent.output), (300, 4));
    let asked = &server.requests()[0].json();
    assert_eq!(server.requests().len(), 1);
    assert!(
        asked["max_tokens"].as_u64() <= Some(64) && asked["temperature"] == 0 && asked["stream"] == false
    );
    let (told, shown) = (asked["messages"][0].to_string(), asked["messages"][1].to_string());
    assert!(
        told.contains("S14: Code interpreter abuse") && !told.contains("how do I"),
        "{told}"
    );
    assert!(shown.contains("how do I") && shown.contains("do that"), "{shown}");
}
