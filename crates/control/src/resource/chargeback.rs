//! Who bears which cost: rules, drafts, final statements.

use domain::{KeyId, ProjectId, TeamId};
use finops::{Rules, Source};
use policy::Resource;
use store::Change;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::chargeback::{
    self, DEEP_MAX, NewStatement, RulesDocument, Statement, StatementLine, StatementView, csv, number_id,
};
use crate::outlook::From;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::record::{Document, Project, read};

const fn resource(entered: &Entered) -> Resource {
    Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    }
}

fn from<'a>(call: &'a Call, entered: &'a Entered) -> From<'a> {
    From {
        store: call.control.store.as_ref(),
        scope: entered.scope(),
    }
}

async fn reading(call: &Call) -> Result<Entered, Stop> {
    let entered = call.enter().await?;
    call.permit(&entered, resource(&entered)).await?;
    Ok(entered)
}

/// `GET …/chargeback/rules`.
pub async fn rules(call: Call, _: Nothing) -> Done {
    let entered = reading(&call).await?;
    let (_, rules) = chargeback::rules(from(&call, &entered))
        .await
        .map_err(Problem::from)?;
    Ok(Answer::view(&rules)?)
}

/// `PUT …/chargeback/rules`.
pub async fn put_rules(call: Call, body: Rules) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, resource(&entered)).await?;
    body.check()
        .map_err(|error| Problem::new(Code::Invalid, error.to_string()).at("/rules"))?;
    must_be_there(&call, &entered, &body).await?;
    let (record, old) = chargeback::rules(from(&call, &entered))
        .await
        .map_err(Problem::from)?;
    call.must_match(&old)?;
    let created = record.as_ref().map_or(call.now, |record| record.created);
    let deed = Deed::changed(entered.tenant(), &old, &body);
    let answer = Answer::view(&body)?;
    let after = RulesDocument { created, rules: body }.to_record()?;
    let change = match record {
        None => Change::Create(after),
        Some(before) => Change::Replace { before, after },
    };
    call.done(&permitted, deed, vec![change], answer).await
}

/// A rule that takes what is not there takes nothing, and nobody would see it.
async fn must_be_there(call: &Call, entered: &Entered, rules: &Rules) -> Result<(), Stop> {
    let tenant = entered.tenant();
    for (at, rule) in rules.rules.iter().enumerate() {
        for (place, source) in rule.takes.iter().enumerate() {
            let is_there = match source {
                Source::Everything => true,
                Source::Team(id) => id
                    .parse::<TeamId>()
                    .is_ok_and(|id| call.names.team(tenant, id).is_some()),
                Source::Key(id) => id
                    .parse::<KeyId>()
                    .is_ok_and(|id| call.names.key(tenant, id).is_some()),
                Source::Project(id) => match id.parse::<ProjectId>() {
                    Ok(id) => call.find::<Project>(entered, &id).await.is_ok(),
                    Err(_) => false,
                },
            };
            if !is_there {
                let detail = "no team, project or key here has that id";
                let pointer = format!("/rules/{at}/takes/{place}/id");
                return Err(Problem::new(Code::Invalid, detail).at(pointer).into());
            }
        }
    }
    Ok(())
}

/// `GET …/chargeback/draft`.
pub async fn draft(call: Call, _: Nothing) -> Done {
    let entered = reading(&call).await?;
    let bounds = (call.query("from"), call.query("until"));
    let time = chargeback::time_of(call.query("month"), bounds, call.now).map_err(Problem::from)?;
    let from = from(&call, &entered);
    let (_, rules) = chargeback::rules(from).await.map_err(Problem::from)?;
    let reckoned = chargeback::reckon(from, rules, time)
        .await
        .map_err(Problem::from)?;
    shown(&call, &StatementView::from(&reckoned), None)
}

/// `GET …/chargeback/statements`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = reading(&call).await?;
    let all = chargeback::statements(from(&call, &entered))
        .await
        .map_err(Problem::from)?;
    let mut lines = Vec::new();
    for statement in &all {
        lines.push(StatementLine::of(&body(statement)?, &statement.digest));
    }
    let page = call.page_of(lines, |line, _| Place::by_id(number_id(line.number)), |line| line)?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/chargeback/statements`.
// threat: AGP-R2
pub async fn finalize(call: Call, new: NewStatement) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, resource(&entered)).await?;
    let bounds = (new.from.as_deref(), new.until.as_deref());
    if new.month.is_none() && bounds == (None, None) {
        return Err(Problem::new(Code::Invalid, "say which month is over")
            .at("/month")
            .into());
    }
    let time = chargeback::time_of(new.month.as_deref(), bounds, call.now).map_err(Problem::from)?;
    let made = chargeback::finalized(from(&call, &entered), time, (call.now, DEEP_MAX)).await;
    let body = made.map_err(Problem::from)?;
    let statement = Statement::of(&body).map_err(|error| Problem {
        internal: Some(error.to_string()),
        ..Problem::new(Code::Internal, "the statement could not be written")
    })?;
    let id = number_id(body.number);
    let view = StatementView::of(&body, &statement.digest);
    let at = format!("/api/v1/tenants/{}/chargeback/statements/{id}", entered.tenant());
    let deed = Deed::made(&id, &StatementLine::of(&body, &statement.digest));
    let changes = vec![Change::Create(statement.to_record()?)];
    call.done(&permitted, deed, changes, Answer::created(&view, at)?)
        .await
}

/// `GET …/chargeback/statements/{statement}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = reading(&call).await?;
    let number: u64 = call.id("statement")?;
    let kind = store::RecordKind::ChargebackStatement;
    let record = call
        .control
        .store
        .record(entered.scope(), kind, &number_id(number))
        .await?;
    let statement: Statement = read(&record)?;
    let view = StatementView::of(&body(&statement)?, &statement.digest);
    shown(&call, &view, Some(&statement))
}

/// `GET …/chargeback/verify`.
pub async fn verify(call: Call, _: Nothing) -> Done {
    let entered = reading(&call).await?;
    let found = chargeback::verify(from(&call, &entered), DEEP_MAX).await;
    Ok(Answer::json(
        http::StatusCode::OK,
        &found.map_err(Problem::from)?,
    )?)
}

fn body(statement: &Statement) -> Result<chargeback::Body, Problem> {
    let wrong = |why: String| Problem {
        internal: Some(format!("statement {}: {why}", statement.number)),
        ..Problem::new(
            Code::Internal,
            "a final statement is not as it was made: verify them",
        )
    };
    statement.body().map_err(wrong)
}

fn shown(call: &Call, view: &StatementView, statement: Option<&Statement>) -> Done {
    match (call.query("format").unwrap_or("json"), statement) {
        ("json", _) => Ok(Answer::view(view)?),
        ("csv", _) => Ok(Answer::text("text/csv; charset=utf-8", csv(view))),
        ("document", Some(statement)) => Ok(Answer::text("application/json", statement.text.clone())),
        _ => Err(Problem::new(
            Code::Malformed,
            "`format` is `json`, `csv` or (of a final one) `document`",
        )
        .into()),
    }
}
