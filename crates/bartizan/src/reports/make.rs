//! Makes the report of one time from the ledger: costs in every form of `bartizan export`, sums, and who bears what. What is
//! made stands on a signed head of the ledger, and says on which.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use config::Config;
use config::section::{ExportFormat, ExportGrain, Report, Schedule};
use control::chargeback::{self, StatementView};
use control::outlook::From;
use domain::{TenantScope, UnixMillis};
use exports::{FORMAT, Format, Grain, Ground, Manifest, Rows, Sums, Time, digest_of, focus, write};
use finops::Day;
use jiff::tz::TimeZone;
use serde_json::json;
use store::{CostsError, EntrySpan, LogKind, Signing, Store, StoredCheckpoint, cost_names, gather_costs};
use worker::{Made, MakeError, Maker};

use crate::command::rfc3339;
use crate::command::usage;
use crate::failure::Failure;
use crate::pricing::Priced;

use super::{Press, digest};

/// The most rows of one report: it is made in memory, beside calls.
const ROWS_MAX: usize = 500_000;
/// The format of manifests of other reports than costs.
const REPORT_FORMAT: &str = "bartizan-report/1";

/// Which report, in which form.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// What was spent.
    Costs(Format, Grain),
    /// Sums; as CSV rather than JSON.
    Usage(bool),
    /// Who bears what; as CSV rather than JSON.
    Chargeback(bool),
    /// What people want to know of spend, on a page.
    Digest,
}

impl Form {
    /// What a schedule asks for.
    pub const fn of(schedule: &Schedule) -> Self {
        let as_csv = matches!(schedule.format, ExportFormat::Csv);
        let format = match schedule.format {
            ExportFormat::Focus => Format::Focus,
            ExportFormat::Parquet => Format::Parquet,
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Json => Format::Json,
            ExportFormat::Originals => Format::Originals,
        };
        let grain = match schedule.grain {
            ExportGrain::Hour => Grain::Hour,
            ExportGrain::Day => Grain::Day,
        };
        match schedule.report {
            Report::Costs => Self::Costs(format, grain),
            Report::Usage => Self::Usage(as_csv),
            Report::Chargeback => Self::Chargeback(as_csv),
            Report::Digest => Self::Digest,
        }
    }

    /// What a tenant's own schedule asks for; nothing if it is no report that there is.
    pub fn named(report: &str, format: &str) -> Option<Self> {
        let as_csv = format == "csv";
        let costs = |format| Some(Self::Costs(format, Grain::Day));
        match (report, format) {
            ("costs", "focus") => costs(Format::Focus),
            ("costs", "parquet") => costs(Format::Parquet),
            ("costs", "csv") => costs(Format::Csv),
            ("costs", "json") => costs(Format::Json),
            ("usage", _) => Some(Self::Usage(as_csv)),
            ("chargeback", _) => Some(Self::Chargeback(as_csv)),
            ("digest", _) => Some(Self::Digest),
            _ => None,
        }
    }
}

/// Makes them.
pub struct Ready {
    /// Where the ledger is.
    pub store: Arc<dyn Store>,
    /// Whose signature its heads have.
    pub signing: Arc<Signing>,
    /// What classes of tokens cost.
    pub prices: Arc<Priced>,
    /// What this instance calls itself.
    pub issuer: String,
    /// Which report.
    pub form: Form,
    /// Where days begin.
    pub zone: TimeZone,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready")
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Maker for Ready {
    // threat: AGP-R2
    async fn make(&self, scope: &TenantScope, time: &Time) -> Result<Made, MakeError> {
        let head = self.head(scope, time).await?;
        match self.form {
            Form::Costs(format, grain) => self.costs(scope, (time, head), (format, grain)).await,
            Form::Usage(as_csv) => {
                let store = self.store.as_ref();
                let asked = (time.from, time.until, self.zone.clone());
                let file = usage::file(store, scope.tenant(), asked, as_csv).await;
                let file = file.map_err(|error| MakeError::Not(error.to_string()))?;
                report(("usage", as_csv), file, (scope, time, head))
            }
            Form::Chargeback(as_csv) => {
                let file = self.chargeback(scope, time, as_csv).await?;
                report(("chargeback", as_csv), file, (scope, time, head))
            }
            Form::Digest => {
                let store = self.store.as_ref();
                let page = digest::page(store, scope, (time, &self.zone)).await?;
                let file = serde_json::to_vec_pretty(&page).map_err(not)?;
                let mut made = report(("digest", false), file, (scope, time, head))?;
                made.letter = Some(page.letter());
                Ok(made)
            }
        }
    }
}

impl Ready {
    /// What makes this form of report, with what else it takes.
    pub fn new(press: &Press, config: &Config, (form, zone): (Form, TimeZone)) -> Result<Self, Failure> {
        Ok(Self {
            store: press.store.clone(),
            signing: press.signing.clone(),
            prices: Arc::new(Priced::of(config)?),
            issuer: config.ledger.origin.clone(),
            form,
            zone,
        })
    }

    /// The newest head that is over all calls of the time: signed after it was over, or over all there is.
    // threat: AGP-R1
    async fn head(&self, scope: &TenantScope, time: &Time) -> Result<Option<StoredCheckpoint>, MakeError> {
        let size = self.store.log_size(scope, LogKind::Ledger).await?;
        if size == 0 {
            return Ok(None);
        }
        let kept = self.store.log_checkpoint(scope, LogKind::Ledger).await?;
        let origin = self.signing.origin(scope.tenant(), LogKind::Ledger);
        let keys = self.signing.now().await.map_err(not)?;
        let of_log = keys.of_log(&origin);
        let is_enough = |kept: &StoredCheckpoint| {
            (kept.size == size || kept.signed >= time.until) && of_log.believed(&kept.note).is_ok()
        };
        let unsigned = "the ledger is not signed over all calls of that time yet";
        let kept = kept.filter(is_enough).ok_or_else(|| not(unsigned))?;
        Ok(Some(kept))
    }

    async fn costs(
        &self,
        scope: &TenantScope,
        (time, head): (&Time, Option<StoredCheckpoint>),
        (format, grain): (Format, Grain),
    ) -> Result<Made, MakeError> {
        let size = head.as_ref().map_or(0, |head| head.size);
        let span = EntrySpan {
            from: time.from,
            until: time.until,
            size,
        };
        let mut rows = Rows::new(grain, ROWS_MAX);
        let (store, prices) = (self.store.as_ref(), self.prices.as_ref());
        let gathered = gather_costs(store, (scope, &span), &mut rows, prices, |_, _| {}).await;
        gathered.map_err(|error| match error {
            CostsError::Store(error) => MakeError::Store(error),
            CostsError::Rows(error) => not(error),
        })?;
        let names = cost_names(store, scope, &self.issuer).await?;
        let making = tokio::task::spawn_blocking(move || {
            let mut file = Vec::new();
            let written = write(format, &rows, &names, &mut file);
            written.map(|written| (file, written.rows, rows))
        });
        let (file, count, rows) = making.await.map_err(not)?.map_err(not)?;
        let (sha256, bytes) = digest_of(&file[..]).map_err(not)?;
        let origin = self.signing.origin(scope.tenant(), LogKind::Ledger);
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            kind: format,
            focus_version: matches!(format, Format::Focus | Format::Parquet)
                .then(|| focus::VERSION.to_owned()),
            tenant: scope.tenant().to_string(),
            from: moment(time.from),
            until: moment(time.until),
            grain,
            rows: count,
            bytes,
            sha256,
            sums: Sums::of(rows.total()),
            ledger: Ground::of(rows.total(), (&origin, size), head.map(|head| head.note)),
        };
        Ok(Made {
            extension: format.extension().to_owned(),
            media_type: format.media_type(),
            file: Bytes::from(file),
            manifest: serde_json::to_string_pretty(&manifest).map_err(not)? + "\n",
            letter: None,
        })
    }

    async fn chargeback(&self, scope: &TenantScope, time: &Time, as_csv: bool) -> Result<Vec<u8>, MakeError> {
        let from = From {
            store: self.store.as_ref(),
            scope,
        };
        let days = (Day::of(time.from), Day::of(time.until));
        let (_, rules) = chargeback::rules(from).await.map_err(not)?;
        let reckoned = chargeback::reckon(from, rules, days).await.map_err(not)?;
        let view = StatementView::from(&reckoned);
        match as_csv {
            true => Ok(chargeback::csv(&view).into_bytes()),
            false => serde_json::to_vec_pretty(&view).map_err(not),
        }
    }
}

fn report(
    (kind, as_csv): (&str, bool),
    file: Vec<u8>,
    (scope, time, head): (&TenantScope, &Time, Option<StoredCheckpoint>),
) -> Result<Made, MakeError> {
    let (sha256, bytes) = digest_of(&file[..]).map_err(not)?;
    let (form, media_type) = match as_csv {
        true => ("csv", "text/csv; charset=utf-8; header=present"),
        false => ("json", "application/json"),
    };
    let manifest = json!({
        "format": REPORT_FORMAT, "kind": kind, "form": form,
        "tenant": scope.tenant().to_string(), "from": moment(time.from), "until": moment(time.until),
        "bytes": bytes, "sha256": sha256,
        "ledger": head.map(|head| json!({"size": head.size, "checkpoint": head.note})),
    });
    Ok(Made {
        extension: format!("{kind}.{form}"),
        media_type,
        file: Bytes::from(file),
        manifest: serde_json::to_string_pretty(&manifest).map_err(not)? + "\n",
        letter: None,
    })
}

/// With milliseconds, so that a manifest's times are exactly those of the report.
fn moment(at: UnixMillis) -> String {
    rfc3339(at).unwrap_or_else(|| exports::rfc3339(at))
}

fn not(why: impl std::fmt::Display) -> MakeError {
    MakeError::Not(why.to_string())
}
