//! Our rows as charges: what each column of FOCUS says of a call's cost.
//!
//! The tenant is the billing account, its teams are sub accounts, keys are resources. Whoever runs this instance issues
//! the bill; the provider that served is the service's. Unit prices are left out: a call's cost is rounded up once, so
//! no price times a sum of quantities is the sum of costs to the nano-dollar.

use domain::UnixMillis;
use ledger::TokenClass;
use serde_json::{Map, Value};

use crate::period::month;
use crate::write::WriteError;
use crate::{Cell, Column, Grain, Kind, Names, Place, Rows, Used};

const fn text(name: &'static str) -> Column {
    of(name, Kind::Text, false)
}

const fn maybe(name: &'static str) -> Column {
    of(name, Kind::Text, true)
}

const fn number(name: &'static str) -> Column {
    of(name, Kind::Number, false)
}

const fn time(name: &'static str) -> Column {
    of(name, Kind::Time, false)
}

const fn json(name: &'static str) -> Column {
    of(name, Kind::Json, true)
}

const fn of(name: &'static str, kind: Kind, is_nullable: bool) -> Column {
    Column {
        name,
        kind,
        is_nullable,
    }
}

/// What is written: the specification's columns by name, then our own by name.
pub(crate) const COLUMNS: [Column; 48] = [
    number("BilledCost"),
    text("BillingAccountId"),
    text("BillingAccountName"),
    text("BillingAccountType"),
    text("BillingCurrency"),
    time("BillingPeriodEnd"),
    time("BillingPeriodStart"),
    text("ChargeCategory"),
    maybe("ChargeClass"),
    text("ChargeDescription"),
    text("ChargeFrequency"),
    time("ChargePeriodEnd"),
    time("ChargePeriodStart"),
    number("ConsumedQuantity"),
    text("ConsumedUnit"),
    number("ContractedCost"),
    number("EffectiveCost"),
    text("HostProviderName"),
    text("InvoiceIssuerName"),
    number("ListCost"),
    text("PricingCategory"),
    number("PricingQuantity"),
    text("PricingUnit"),
    text("ResourceId"),
    maybe("ResourceName"),
    text("ResourceType"),
    text("ServiceCategory"),
    text("ServiceName"),
    text("ServiceProviderName"),
    text("ServiceSubcategory"),
    text("SkuId"),
    text("SkuMeter"),
    json("SkuPriceDetails"),
    text("SkuPriceId"),
    text("SubAccountId"),
    text("SubAccountName"),
    text("SubAccountType"),
    json("Tags"),
    number("x_CallCount"),
    maybe("x_ModelName"),
    text("x_OperationName"),
    number("x_OutputTokenCount"),
    text("x_PriceVersionId"),
    number("x_PromptTokenCount"),
    maybe("x_ProjectId"),
    maybe("x_ProjectName"),
    maybe("x_TargetName"),
    text("x_TokenClass"),
];

/// All charges. What neither cost nor used anything, such as a refused call, is none.
pub(crate) fn charges<'a>(
    rows: &'a Rows,
    names: &'a Names,
) -> impl Iterator<Item = Result<[Cell; COLUMNS.len()], WriteError>> + 'a {
    let grain = rows.grain();
    let charged = rows.iter().filter(|(_, used)| !used.is_nothing());
    charged.map(move |(place, used)| {
        Charge {
            place,
            used,
            names,
            grain,
        }
        .cells()
    })
}

struct Charge<'a> {
    place: &'a Place,
    used: &'a Used,
    names: &'a Names,
    grain: Grain,
}

impl Charge<'_> {
    fn cells(&self) -> Result<[Cell; COLUMNS.len()], WriteError> {
        let (place, names) = (self.place, self.names);
        let (billed_from, billed_until) = month(place.start).ok_or(WriteError::Calendar)?;
        let said = |text: &str| Cell::Text(text.to_owned());
        let cost = Cell::Number(self.used.nanos);
        let (quantity, unit) = self.quantity();
        let provider = self.provider();
        let key = names.keys.get(&place.key);
        Ok([
            cost.clone(),
            Cell::Text(names.tenant.to_string()),
            said(&names.tenant_name),
            said("Tenant"),
            said("USD"),
            Cell::Time(billed_until),
            Cell::Time(billed_from),
            said("Usage"),
            Cell::maybe(self.is_correction().then_some("Correction")),
            Cell::Text(self.description()),
            said("Usage-Based"),
            Cell::Time(self.end()),
            Cell::Time(place.start),
            quantity.clone(),
            said(unit),
            cost.clone(),
            cost.clone(),
            said(provider),
            said(&names.issuer),
            cost,
            said("Standard"),
            quantity,
            said(unit),
            Cell::Text(place.key.to_string()),
            Cell::maybe(key.map(|key| key.name.as_str())),
            said("Virtual key"),
            said("AI and Machine Learning"),
            said("Language models"),
            said(provider),
            said("Generative AI"),
            Cell::Text(self.sku()),
            said(meter(place.class)),
            Cell::Text(self.price_details()),
            Cell::Text(format!("{}@{}/{}", self.sku(), place.price_version, place.tier)),
            Cell::Text(place.team.to_string()),
            Cell::Text(names.team(place.team)),
            said("Team"),
            self.tags(),
            Cell::whole(self.used.calls.into()),
            Cell::maybe(place.model.as_deref()),
            said(place.operation),
            Cell::whole(self.used.output),
            said(&place.price_version),
            Cell::whole(self.used.prompt),
            Cell::maybe(place.project.map(|id| id.to_string())),
            Cell::maybe(place.project.map(|id| names.project(id))),
            Cell::maybe(place.target.as_deref()),
            said(place.class.as_str()),
        ])
    }

    /// What was charged before, corrected by other prices: with no quantity of its own.
    fn is_correction(&self) -> bool {
        self.place.class == TokenClass::Adjustment
    }

    fn end(&self) -> UnixMillis {
        self.grain.end(self.place.start)
    }

    /// Tokens, or what else was paid for: the call itself, time, pictures or characters.
    fn quantity(&self) -> (Cell, &'static str) {
        match self.place.class {
            TokenClass::Request => (Cell::whole(self.used.calls.into()), "Requests"),
            TokenClass::InputTime | TokenClass::OutputTime => (Cell::whole(self.used.units), "Milliseconds"),
            TokenClass::InputImages | TokenClass::OutputImages => (Cell::whole(self.used.units), "Images"),
            TokenClass::InputCharacters | TokenClass::OutputCharacters => {
                (Cell::whole(self.used.units), "Characters")
            }
            _ => (Cell::whole(self.used.tokens()), "Tokens"),
        }
    }

    /// Whoever served; where nobody is known to have, whoever charges for it.
    fn provider(&self) -> &str {
        let target = self
            .place
            .target
            .as_deref()
            .and_then(|target| target.split_once('/'));
        target.map_or(self.names.issuer.as_str(), |(provider, _)| provider)
    }

    /// What is paid for, whatever it costs: the same for every tenant and price list.
    fn sku(&self) -> String {
        let place = self.place;
        let what = place
            .target
            .as_deref()
            .or(place.model.as_deref())
            .unwrap_or("unknown");
        format!("{what}:{}", place.class.as_str())
    }

    fn description(&self) -> String {
        let place = self.place;
        let model = place
            .model
            .as_deref()
            .or(place.target.as_deref())
            .unwrap_or("an unnamed model");
        format!("{} of {model}, {}", meter(place.class), place.operation)
    }

    fn price_details(&self) -> String {
        let pairs = [
            ("x_PriceVersion", self.place.price_version.as_ref()),
            ("x_Tier", self.place.tier),
            ("x_TokenClass", self.place.class.as_str()),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(Map::from_iter(pairs)).to_string()
    }

    /// Tags of ours are words without values, which FOCUS writes as true.
    fn tags(&self) -> Cell {
        let tags = self.names.keys.get(&self.place.key).map(|key| &key.tags);
        let tags = tags
            .into_iter()
            .flatten()
            .map(|tag| (tag.clone(), Value::Bool(true)));
        Cell::Text(Value::Object(tags.collect()).to_string())
    }
}

const fn meter(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "Input tokens",
        TokenClass::CacheRead => "Input tokens read from cache",
        TokenClass::CacheWrite => "Input tokens written to cache",
        TokenClass::CacheWriteLong => "Input tokens written to long cache",
        TokenClass::AudioInput => "Audio input tokens",
        TokenClass::Output => "Output tokens",
        TokenClass::AudioOutput => "Audio output tokens",
        TokenClass::InputTime => "Time taken in",
        TokenClass::OutputTime => "Time made",
        TokenClass::InputImages => "Images taken in",
        TokenClass::OutputImages => "Images made",
        TokenClass::InputCharacters => "Characters taken in",
        TokenClass::OutputCharacters => "Characters made",
        TokenClass::Request => "Requests",
        TokenClass::Adjustment => "Corrections",
        TokenClass::All => "Tokens of all classes",
    }
}
