//! What one decision costs: `cost <policies> <decisions> [remembered] [context] [send]`, with so many policies of a
//! house's own beside the built-in ones. They are about teams and models, or with `context` about address, time
//! and data class; `send` asks about a target instead of a model. Run it under `valgrind --tool=callgrind` with two
//! numbers of decisions; the difference, divided by theirs, is the cost of one. `docs/performance.md` says what came
//! out. Measures nothing itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use credential::{KeyRecord, KeyState, Limits, Marks, ModelAccess};
use domain::{KeyId, Operation, Principal, PrincipalKind, TeamId, TenantId, UnixMillis};
use policy::{Engine, Moment, Place, Posture, Question, Thing};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|text| text.parse::<u32>().ok());
    let (Some(policies), Some(decisions)) = (number(), number()) else {
        return ExitCode::from(2);
    };
    let words: Vec<String> = arguments.collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    let (is_cached, is_sent) = (has("remembered"), has("send"));
    let policy = if has("context") { of_context } else { of_team };
    let text: String = (0..policies).map(policy).collect();
    let Ok(engine) = Engine::new(&[("many.cedar", &text)], true) else {
        return ExitCode::FAILURE;
    };
    let key = key();
    let principal = Principal {
        tenant: key.tenant,
        team: key.team,
        project: None,
        key: key.id,
        kind: PrincipalKind::VirtualKey,
        name: "key".into(),
    };
    let place = Place {
        provider: "openai".into(),
        model: "model".to_owned(),
        region: Some("eu".to_owned()),
        self_hosted: false,
    };
    let asked = Question {
        thing: is_sent.then_some(Thing::Target(&place)),
        ..question(&principal, &key)
    };
    let mut remembered = HashMap::new();
    let mut permitted = 0;
    for _ in 0..decisions {
        let answer = if is_cached {
            // As the data plane remembers: a question's parts as owned values, the set's digest shared.
            let parts = (Operation::Chat, "model".to_owned(), false, false, false);
            *remembered
                .entry(parts)
                .or_insert_with(|| engine.decide(&asked).permit)
        } else {
            engine.decide(&asked).permit
        };
        permitted += u32::from(answer);
    }
    ExitCode::from(u8::from(permitted != decisions))
}

/// One that an operator might write for one team and one model: about this call by its scope, and not met.
fn of_team(number: u32) -> String {
    format!(
        "@id(\"p{number}\") forbid (principal, action in Action::\"invoke\", resource is Model)
         when {{ principal.team.name == \"team {number}\" && resource.name like \"gpt-{number}*\" && !context.stream }};\n"
    )
}

/// One about how a call comes, and not met.
fn of_context(number: u32) -> String {
    format!(
        "@id(\"p{number}\") forbid (principal, action, resource)
         when {{ context.utc_minute < 0 || context.data_class.rank > 3 ||
                 (context has source_ip && context.source_ip.isInRange(ip(\"10.{}.{}.0/24\"))) }};\n",
        number / 256 % 256,
        number % 256
    )
}

fn key() -> KeyRecord {
    KeyRecord {
        signing_key: None,
        honey: false,
        receipts: false,
        suspended: None,
        marks: Marks::default(),
        bindings: Vec::new(),
        id: KeyId::from_u128(1),
        tenant: TenantId::from_u128(2),
        team: TeamId::from_u128(3),
        project: None,
        owner: None,
        name: "key".to_owned(),
        digest: [0; 32],
        hint: String::new(),
        predecessor: None,
        state: KeyState::Active,
        created: UnixMillis(0),
        expires: None,
        models: ModelAccess::All,
        operations: vec![Operation::Chat],
        networks: Vec::new(),
        limits: Limits::default(),
    }
}

fn question<'a>(principal: &'a Principal, key: &'a KeyRecord) -> Question<'a> {
    Question {
        principal,
        key,
        tenant_name: "acme",
        team_name: "search",
        operation: Operation::Chat,
        model: Some("model"),
        owner: key.tenant,
        thing: None,
        provider: None,
        stream: false,
        tools: false,
        images: false,
        data_class: None,
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        posture: Posture::Production,
        moment: Moment::ANY,
    }
}
