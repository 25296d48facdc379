//! Reports that a tenant has delivered by themselves: which, how often, and where to. Set by its own people, seen by them
//! alone. Secrets go in and never come out; what was delivered is with the deliveries of all schedules.

use domain::ScheduleId;
use http::StatusCode;
use jiff::civil::Date;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, StoreError};

use super::sinks::{entered, kept};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::own::{Form, OWN_MAX, OwnSchedule, Place};
use crate::page;
use crate::problem::{Code, Problem};
use crate::record::{Document, read};
use crate::{shapes, silent};

const NAME_CHARS_MAX: usize = 64;

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeliveredReport")]
pub enum Report {
    /// What was spent.
    Costs,
    /// Sums by team, key and model.
    Usage,
    /// Who bears which cost, by the tenant's rules: a draft.
    Chargeback,
    /// What people want to know of spend, on a page: as mail, as a message to Slack, or as JSON.
    Digest,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeliveredFormat")]
pub enum Format {
    /// FOCUS 1.4 in CSV; of costs only.
    Focus,
    /// FOCUS 1.4 in Parquet; of costs only.
    Parquet,
    /// A table.
    Csv,
    /// JSON.
    Json,
}

/// How long the time of one report is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeliveredEvery")]
pub enum Every {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    #[default]
    Month,
}

/// A schedule, without its secrets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScheduleView {
    /// Its id.
    pub id: String,
    /// What people call it; files lie in a folder of that name.
    pub name: String,
    /// Where it goes; of Slack how the address begins.
    pub place: Place,
    /// How many secrets it has; what they are is shown nowhere.
    pub secrets: usize,
    /// `costs`, `usage`, `chargeback` or `digest`.
    pub report: String,
    /// `focus`, `parquet`, `csv` or `json`.
    pub format: String,
    /// `day`, `week` or `month`.
    pub every: String,
    /// Where its days begin.
    pub zone: String,
    /// The day with which it begins, where one was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A schedule to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// What people call it, and the folder's name: up to 64 letters, digits, `.`, `-` and `_`; unique within the tenant.
    name: String,
    /// Where it goes: a webhook or storage; a digest also by mail or to Slack.
    place: Place,
    /// Of a webhook what requests are signed with; of storage the id of an access key, then its secret; of Slack the whole
    /// address; none of mail.
    #[serde(default)]
    secrets: Vec<String>,
    /// What is delivered.
    report: Report,
    /// In which form: `focus` for costs and `json` for the others when left out.
    #[serde(default)]
    format: Option<Format>,
    /// How long the time of one report is; a month when left out.
    #[serde(default)]
    every: Every,
    /// Where its days begin, such as `Europe/Berlin`; UTC when left out. `chargeback` is reckoned in UTC.
    #[serde(default)]
    zone: Option<String>,
    /// The day with which it begins, such as `2026-10-01`: what is over since then is delivered too. Left out: it begins with
    /// the time in which it is made.
    #[serde(default)]
    since: Option<String>,
}

silent! { NewSchedule }

shapes! { given: NewSchedule ; shown: ScheduleView }

impl From<&OwnSchedule> for ScheduleView {
    fn from(schedule: &OwnSchedule) -> Self {
        Self {
            id: schedule.id.to_string(),
            name: schedule.name.clone(),
            place: schedule.place.clone(),
            secrets: schedule.secrets.len(),
            report: schedule.report.clone(),
            format: schedule.format.clone(),
            every: schedule.every.clone(),
            zone: schedule.zone.clone(),
            since: schedule.since.clone(),
        }
    }
}

/// `GET …/schedules`.
// threat: AGP-I1
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let all = call.all_records::<OwnSchedule>(&entered).await?;
    let page = call.page_of(
        all,
        |one, _| page::Place::by_id(one.id),
        |one| ScheduleView::from(&one),
    )?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/schedules/{schedule}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let (_, schedule) = found(&call, &entered).await?;
    Ok(Answer::view(&ScheduleView::from(&schedule))?)
}

/// `POST …/schedules`.
pub async fn create(call: Call, body: NewSchedule) -> Done {
    let (entered, tenant) = entered(&call).await?;
    // What leaves is the tenant's usage: whoever has it delivered may read it.
    let permitted = call.permit(&entered, tenant).await?;
    let (of, team) = (entered.tenant(), None);
    if !call.may(
        domain::Permission::UsageRead,
        Resource::Usage { tenant: of, team },
    )? {
        return Err(Problem::new(
            Code::Forbidden,
            "reports are for those who may read what was spent",
        )
        .into());
    }
    if call.all_records::<OwnSchedule>(&entered).await?.len() >= OWN_MAX {
        let why = format!("a tenant has {OWN_MAX} schedules at most: remove one that is not needed");
        return Err(Problem::new(Code::Invalid, why).into());
    }
    let schedule = checked(&call, &entered, body).await?;
    let (view, id) = (ScheduleView::from(&schedule), schedule.id);
    let answer = Answer::created(&view, format!("/api/v1/tenants/{of}/schedules/{id}"))?;
    let changes = vec![Change::Create(schedule.to_record()?)];
    call.done(&permitted, Deed::made(id, &view), changes, answer)
        .await
}

/// `DELETE …/schedules/{schedule}`. What was delivered stays on record.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (record, schedule) = found(&call, &entered).await?;
    let mut changes = vec![Change::Remove(record)];
    let cursor = store::exported::kept_as(&schedule.kept_name());
    match call
        .control
        .store
        .record(entered.scope(), RecordKind::Delivery, &cursor)
        .await
    {
        Ok(cursor) => changes.push(Change::Remove(cursor)),
        Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let deed = Deed::removed(schedule.id, &ScheduleView::from(&schedule));
    call.done(&permitted, deed, changes, Answer::nothing()).await
}

async fn found(call: &Call, entered: &Entered) -> Result<(Record, OwnSchedule), Stop> {
    let id: ScheduleId = call.id("schedule")?;
    let store = call.control.store.as_ref();
    match store
        .record(entered.scope(), RecordKind::OwnSchedule, &id.to_string())
        .await
    {
        Ok(record) => {
            let schedule = read(&record)?;
            Ok((record, schedule))
        }
        Err(StoreError::NotFound) => Err(Problem::not_found().into()),
        Err(error) => Err(error.into()),
    }
}

fn invalid(why: impl Into<String>, pointer: &str) -> Problem {
    Problem::new(Code::Invalid, why).at(pointer)
}

/// A name as it stands in a document.
fn word<T: Serialize>(value: T) -> Result<String, Problem> {
    let text = serde_json::to_value(value)
        .ok()
        .and_then(|text| text.as_str().map(str::to_owned));
    text.ok_or_else(|| Problem::new(Code::Internal, "it cannot be written"))
}

async fn checked(call: &Call, entered: &Entered, body: NewSchedule) -> Result<OwnSchedule, Stop> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fits = (1..=NAME_CHARS_MAX).contains(&body.name.len()) && body.name.chars().all(is_plain);
    if !fits || body.name.starts_with('.') {
        let why = format!(
            "a name is up to {NAME_CHARS_MAX} letters, digits, `.`, `-` and `_`, and begins with no dot"
        );
        return Err(invalid(why, "/name").into());
    }
    let is_digest = body.report == Report::Digest;
    match body.place.form {
        Form::Pagerduty => return Err(invalid("PagerDuty takes alerts and no reports", "/place/form").into()),
        Form::Slack | Form::Mail if !is_digest => {
            let why = "only a `digest` is read by people: have files delivered to a webhook or to storage";
            return Err(invalid(why, "/place/form").into());
        }
        _ => {}
    }
    let format = body.format.unwrap_or(match body.report {
        Report::Costs => Format::Focus,
        _ => Format::Json,
    });
    let takes = match body.report {
        Report::Costs => true,
        Report::Usage | Report::Chargeback => matches!(format, Format::Csv | Format::Json),
        Report::Digest => format == Format::Json,
    };
    if !takes {
        return Err(invalid("this report has no such form", "/format").into());
    }
    let zone = body.zone.unwrap_or_else(|| "UTC".to_owned());
    let (_, written) = ledger::zone::named(&zone).ok_or_else(|| invalid("no such time zone", "/zone"))?;
    if body.report == Report::Chargeback && written != "UTC" {
        return Err(invalid("`chargeback` is reckoned in UTC", "/zone").into());
    }
    if let Some(day) = &body.since {
        let day: Result<Date, _> = day.parse();
        day.map_err(|_| invalid("a day such as `2026-10-01`", "/since"))?;
    }
    let id = ScheduleId::generate();
    let of = (entered.tenant(), id.to_string());
    let given = (body.place, Some(body.secrets));
    let (place, secrets) = kept(call, (of.0, &of.1), given, None).await?;
    Ok(OwnSchedule {
        id,
        name: body.name,
        created: call.now,
        place,
        report: word(body.report)?,
        format: word(format)?,
        every: word(body.every)?,
        zone,
        since: body.since,
        secrets,
    })
}
