//! Configuration that changes under a running gate, the end of a gate, and what production refuses.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::client::raw::{self, End, RawConnection};
use testkit::{Reply, ScriptedProvider};

use crate::scene::{self, Scene, call, providers, streamed};

const CHAT: &str = "/v1/chat/completions";
const IN_FORCE: &str = "the new configuration is in force";

fn event(text: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices": [{"index": 0, "delta": {"content": text}}]})
    )
}

#[tokio::test]
async fn agp_t3_a_good_change_takes_effect_and_a_bad_one_changes_nothing() {
    let scene = Scene::with("").await;
    let base = providers(&scene.provider.base_url());
    let renamed =
        format!("{base}models:\n  - {{ name: renamed, targets: [{{ provider: oa, model: m-oa }}] }}\n");
    assert_eq!(scene.client().post(CHAT, &call("renamed")).await.status, 404);
    scene.gate.write_config(&renamed);
    scene
        .gate
        .lines()
        .wait_for(IN_FORCE, Duration::from_secs(5))
        .await;
    assert_eq!(scene.client().post(CHAT, &call("renamed")).await.status, 200);

    let bad = [
        "providers: [",
        "nonsense: true\n",
        "checks: off\nposture: production\n",
        "providers:\n  - { name: a, kind: openai, base_url: \"http://169.254.169.254\" }\n",
        "policies: { files: [nowhere.cedar] }\n",
        "providers:\n  - { name: a, kind: openai, credential: \"env:NOT_SET_ANYWHERE\" }\n",
    ];
    for (at, text) in bad.iter().enumerate() {
        scene.gate.write_config(text);
        let counted = u32::try_from(at + 1).unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        while scene.metric("bartizan_config_rejected_total").await < f64::from(counted) {
            assert!(
                Instant::now() < until,
                "not counted: {text}\n{}",
                scene.gate.lines().tail()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(
            scene.client().post(CHAT, &call("renamed")).await.status,
            200,
            "{text}"
        );
    }
    // And the way back works, by signal too.
    scene.gate.write_config(&base);
    scene.gate.hang_up().await;
    let until = Instant::now() + Duration::from_secs(5);
    while scene.client().post(CHAT, &call("renamed")).await.status != 404 {
        assert!(Instant::now() < until, "{}", scene.gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn agp_t3_a_stream_under_way_keeps_its_snapshot() {
    let provider = ScriptedProvider::start().await;
    let base = providers(&provider.base_url());
    let with = |mode: &str| format!("{base}guards: {{ secrets: {{ input: off, output: {mode} }} }}\n");
    let scene = Scene::raise(provider, scene::builder().config(with("off"))).await;
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let events = [
        (0, event("start ")),
        (2_000, event(&secret)),
        (0, "data: [DONE]\n\n".to_owned()),
    ];
    scene.provider.script("*", Reply::sse(events.clone()));
    let mut live = scene.client().stream(CHAT, &streamed("m-oa")).await;
    live.next().await.unwrap().unwrap();
    scene.gate.write_config(&with("block"));
    scene
        .gate
        .lines()
        .wait_for(IN_FORCE, Duration::from_secs(1))
        .await;
    let rest = String::from_utf8_lossy(&live.body().await.unwrap()).into_owned();
    assert!(
        rest.contains(&secret) && rest.ends_with("[DONE]\n\n"),
        "the old snapshot lets it pass: {rest}"
    );
    scene
        .provider
        .script("*", Reply::sse(events.map(|(_, event)| (0, event))));
    let live = scene.client().stream(CHAT, &streamed("m-oa")).await;
    let rest = String::from_utf8_lossy(&live.body().await.unwrap()).into_owned();
    assert!(
        !rest.contains(&secret) && rest.contains("output_blocked"),
        "the new one does not: {rest}"
    );
}

#[tokio::test]
async fn a_drain_finishes_streams_refuses_the_rest_and_ends_well() {
    let mut scene = Scene::with("").await;
    let address = scene.gate.data().address();
    let events: Vec<_> = (0..20)
        .map(|at| (60, event(&format!("{at} "))))
        .chain([(0, "data: [DONE]\n\n".to_owned())])
        .collect();
    scene.provider.script("*", Reply::sse(events));
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\r\n",
        scene.key
    );
    let mut kept = RawConnection::open(address).await;
    kept.write(&request).await;
    assert_eq!(
        raw::statuses(&kept.read(Duration::from_millis(200)).await.0),
        [200]
    );
    let mut begun = RawConnection::open(address).await;
    begun.write(&request[..20]).await;
    let live = scene.client().stream(CHAT, &streamed("m-oa")).await;

    let drained = Instant::now();
    scene.gate.terminate().await;
    scene
        .gate
        .lines()
        .wait_for("stopping", Duration::from_secs(5))
        .await;
    assert_eq!(scene.gate.health().get("/readyz").await.status, 503);
    assert_eq!(scene.gate.health().get("/livez").await.status, 200);

    // A resting connection is closed; one in the middle of a request, and a new one, are told in words.
    kept.write(&request).await;
    let (answer, end) = kept.read(Duration::from_millis(500)).await;
    assert!(end != End::StillOpen && !raw::statuses(&answer).contains(&200));
    begun.write(&request[20..]).await;
    let (answer, end) = begun.read(Duration::from_millis(500)).await;
    assert_eq!(
        (raw::statuses(&answer), end == End::StillOpen),
        (vec![503], false)
    );
    assert!(
        String::from_utf8_lossy(&answer)
            .to_lowercase()
            .contains("\r\nretry-after: ")
    );
    let refused = scene.client().post(CHAT, &call("m-oa")).await;
    assert_eq!(
        (refused.status, refused.header("retry-after").is_some()),
        (503, true)
    );

    let (events, broken) = live.events().await;
    assert_eq!(
        (broken, events.len(), events.last().map(String::as_str)),
        (None, 21, Some("[DONE]"))
    );
    let status = scene.gate.wait(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    assert!(drained.elapsed() < Duration::from_secs(8));
    assert_eq!(scene.provider.requests().len(), 1);
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_whatever_streams_do() {
    let mut scene = Scene::with("server: { drain_deadline_ms: 300 }\n").await;
    scene.provider.script("*", Reply::endless_sse(&event("x"), 20));
    let live = scene.client().stream(CHAT, &streamed("m-oa")).await;
    scene.gate.terminate().await;
    assert!(scene.gate.wait(Duration::from_secs(10)).await.success());
    drop(live);
}

#[tokio::test]
async fn ctx_t2_production_refuses_what_only_development_may_have() {
    let provider = ScriptedProvider::start().await;
    let base = providers(&provider.base_url());
    let listen = |data: &str, control: &str| {
        format!(
            "listen: {{ data: \"{data}\", control: \"{control}\", health: \"127.0.0.1:@health_port@\" }}\n"
        )
    };
    let open = listen("0.0.0.0:@data_port@", "127.0.0.1:@control_port@");
    let open_control = listen("127.0.0.1:@data_port@", "0.0.0.0:@control_port@");
    for posture in ["production", "staging"] {
        for (extra, says) in [
            ("checks: \"off\"\n", "checks"),
            (open.as_str(), "listen.data"),
            (open_control.as_str(), "listen.control"),
        ] {
            let said = scene::builder()
                .config(format!("posture: {posture}\n{base}{extra}"))
                .refuses()
                .await;
            assert!(
                said.contains("error:") && said.contains(says),
                "{posture} {extra}: {said}"
            );
        }
        for weak in ["changeme", "secret", "your-api-key-here"] {
            let said = scene::builder()
                .env("OA_KEY", weak)
                .config(format!("posture: {posture}\n{base}"))
                .refuses()
                .await;
            assert!(
                said.contains("env:OA_KEY")
                    && said.contains("placeholder")
                    && !said.contains(&format!("`{weak}`")),
                "{said}"
            );
        }
    }
    // Development with its checks off is for this machine only, and says so.
    let said = scene::builder()
        .config(format!("{base}checks: \"off\"\n{open}"))
        .refuses()
        .await;
    assert!(said.contains("checks"), "{said}");
    let gate = scene::builder()
        .config(format!("{base}checks: \"off\"\n"))
        .start()
        .await;
    gate.lines()
        .wait_for("CHECKS ARE OFF", Duration::from_secs(5))
        .await;
    // The same gate without a bypass starts in production.
    let gate = scene::builder()
        .config(format!("posture: production\n{base}"))
        .start()
        .await;
    assert_eq!(gate.data().post(CHAT, &call("m-oa")).await.status, 401);
}

/// A file that would turn the checks off is not taken by a gate that started with them on in production.
#[tokio::test]
async fn ctx_t2_a_reload_cannot_open_a_production_gate() {
    let provider = ScriptedProvider::start().await;
    let base = format!("posture: production\n{}", providers(&provider.base_url()));
    let scene = Scene::raise(provider, scene::builder().config(base.clone())).await;
    scene.gate.write_config(&format!("{base}checks: \"off\"\n"));
    scene
        .gate
        .lines()
        .wait_for("the new configuration is refused", Duration::from_secs(5))
        .await;
    assert_eq!(scene.gate.data().post(CHAT, &call("m-oa")).await.status, 401);
}
