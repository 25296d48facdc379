//! The columns of FOCUS 1.4's dataset of cost and usage: what each must hold. Data and nothing else.

use super::allowed::{CHARGE_CATEGORIES, COMMITMENTS, FREQUENCIES, PRICING_CATEGORIES, STATUSES};

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// A number that is not below nothing.
    Price,
    /// A moment.
    Time,
    /// A JSON object of plain values.
    Pairs,
    /// A JSON object.
    Object,
    /// A code of ISO 4217.
    Currency,
    /// A unit of measure.
    Unit,
    /// One of these.
    One(&'static [&'static str]),
    /// A category of services.
    Service,
    /// A subcategory of services.
    Subservice,
}

/// A column of the specification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// Whether every file has it.
    pub(crate) is_mandatory: bool,
    /// Whether it may have no value.
    pub(crate) is_nullable: bool,
}

const fn must(name: &'static str, form: Form) -> Rule {
    Rule {
        name,
        form,
        is_mandatory: true,
        is_nullable: false,
    }
}

const fn must_or_null(name: &'static str, form: Form) -> Rule {
    Rule {
        name,
        form,
        is_mandatory: true,
        is_nullable: true,
    }
}

const fn may(name: &'static str, form: Form) -> Rule {
    Rule {
        name,
        form,
        is_mandatory: false,
        is_nullable: false,
    }
}

const fn may_or_null(name: &'static str, form: Form) -> Rule {
    Rule {
        name,
        form,
        is_mandatory: false,
        is_nullable: true,
    }
}

/// All of them, by name.
pub(crate) const RULES: &[Rule] = &[
    may_or_null("AllocatedMethodDetails", Form::Object),
    may_or_null("AllocatedMethodId", Form::Text),
    may_or_null("AllocatedResourceId", Form::Text),
    may_or_null("AllocatedResourceName", Form::Text),
    may_or_null("AllocatedTags", Form::Pairs),
    may_or_null("AvailabilityZone", Form::Text),
    must("BilledCost", Form::Number),
    must("BillingAccountId", Form::Text),
    must_or_null("BillingAccountName", Form::Text),
    may("BillingAccountType", Form::Text),
    must("BillingCurrency", Form::Currency),
    must("BillingPeriodEnd", Form::Time),
    must("BillingPeriodStart", Form::Time),
    may_or_null("CapacityReservationId", Form::Text),
    may_or_null("CapacityReservationStatus", Form::One(STATUSES)),
    must("ChargeCategory", Form::One(CHARGE_CATEGORIES)),
    must_or_null("ChargeClass", Form::One(&["Correction"])),
    must_or_null("ChargeDescription", Form::Text),
    may("ChargeFrequency", Form::One(FREQUENCIES)),
    must("ChargePeriodEnd", Form::Time),
    must("ChargePeriodStart", Form::Time),
    may_or_null("CommitmentDiscountCategory", Form::One(COMMITMENTS)),
    may_or_null("CommitmentDiscountId", Form::Text),
    may_or_null("CommitmentDiscountName", Form::Text),
    may_or_null("CommitmentDiscountQuantity", Form::Number),
    may_or_null("CommitmentDiscountStatus", Form::One(STATUSES)),
    may_or_null("CommitmentDiscountType", Form::Text),
    may_or_null("CommitmentDiscountUnit", Form::Unit),
    may_or_null("CommitmentProgramEligibilityDetails", Form::Object),
    may_or_null("ConsumedQuantity", Form::Number),
    may_or_null("ConsumedUnit", Form::Unit),
    may_or_null("ContractApplied", Form::Object),
    must("ContractedCost", Form::Number),
    may_or_null("ContractedUnitPrice", Form::Price),
    must("EffectiveCost", Form::Number),
    must_or_null("HostProviderName", Form::Text),
    may_or_null("InvoiceDetailId", Form::Text),
    may_or_null("InvoiceId", Form::Text),
    must("InvoiceIssuerName", Form::Text),
    must("ListCost", Form::Number),
    may_or_null("ListUnitPrice", Form::Price),
    may_or_null("PricingCategory", Form::One(PRICING_CATEGORIES)),
    may("PricingCurrency", Form::Currency),
    may_or_null("PricingCurrencyContractedUnitPrice", Form::Price),
    may("PricingCurrencyEffectiveCost", Form::Number),
    may_or_null("PricingCurrencyListUnitPrice", Form::Price),
    must_or_null("PricingQuantity", Form::Number),
    must_or_null("PricingUnit", Form::Unit),
    may_or_null("RegionId", Form::Text),
    may_or_null("RegionName", Form::Text),
    may_or_null("ResourceId", Form::Text),
    may_or_null("ResourceName", Form::Text),
    may_or_null("ResourceType", Form::Text),
    must("ServiceCategory", Form::Service),
    must("ServiceName", Form::Text),
    must("ServiceProviderName", Form::Text),
    may("ServiceSubcategory", Form::Subservice),
    may_or_null("SkuId", Form::Text),
    may_or_null("SkuMeter", Form::Text),
    may_or_null("SkuPriceDetails", Form::Pairs),
    may_or_null("SkuPriceId", Form::Text),
    may_or_null("SubAccountId", Form::Text),
    may_or_null("SubAccountName", Form::Text),
    may_or_null("SubAccountType", Form::Text),
    may_or_null("Tags", Form::Pairs),
];

/// Columns that earlier versions had.
pub(crate) const REMOVED: &[&str] = &[
    "ProviderName",
    "PublisherName",
    "Provider",
    "Publisher",
    "InvoiceIssuer",
];

/// Columns that have a value if, and only if, the other has.
pub(crate) const TOGETHER: &[(&str, &str)] = &[
    ("AllocatedResourceName", "AllocatedResourceId"),
    ("CommitmentDiscountCategory", "CommitmentDiscountId"),
    ("CommitmentDiscountType", "CommitmentDiscountId"),
    ("CommitmentDiscountUnit", "CommitmentDiscountQuantity"),
    ("ConsumedUnit", "ConsumedQuantity"),
    ("PricingUnit", "PricingQuantity"),
    ("RegionName", "RegionId"),
    ("ResourceType", "ResourceId"),
    ("SubAccountName", "SubAccountId"),
    ("SubAccountType", "SubAccountId"),
];

/// Columns that have no value where the other has none.
pub(crate) const NOT_WITHOUT: &[(&str, &str)] = &[
    ("CapacityReservationStatus", "CapacityReservationId"),
    ("CommitmentDiscountName", "CommitmentDiscountId"),
    ("CommitmentDiscountQuantity", "SkuPriceId"),
    ("CommitmentDiscountStatus", "CommitmentDiscountId"),
    ("ConsumedQuantity", "SkuPriceId"),
    ("ContractedUnitPrice", "SkuPriceId"),
    ("ListUnitPrice", "SkuPriceId"),
    ("PricingCategory", "SkuPriceId"),
    ("PricingCurrencyContractedUnitPrice", "SkuPriceId"),
    ("PricingCurrencyListUnitPrice", "SkuPriceId"),
    ("PricingQuantity", "SkuPriceId"),
    ("ResourceName", "ResourceId"),
    ("SkuMeter", "SkuId"),
    ("SkuPriceDetails", "SkuPriceId"),
];

/// Columns that have a value for usage and purchases that correct nothing, and none for taxes.
pub(crate) const PRICED: &[&str] = &[
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "SkuId",
    "SkuPriceId",
];

/// Costs that are the product of a unit price and the quantity that is priced.
pub(crate) const PRODUCTS: &[(&str, &str)] = &[
    ("ContractedCost", "ContractedUnitPrice"),
    ("ListCost", "ListUnitPrice"),
];
