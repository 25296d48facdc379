//! What values FOCUS 1.4 allows where it allows only some, and the currencies of ISO 4217. Data and nothing else.

/// Categories of services, each with its subcategories.
pub(crate) const SERVICES: &[(&str, &[&str])] = &[
    (
        "AI and Machine Learning",
        &[
            "AI Platforms",
            "Bots",
            "Generative AI",
            "Machine Learning",
            "Natural Language Processing",
            "Other (AI and Machine Learning)",
        ],
    ),
    (
        "Analytics",
        &[
            "Analytics Platforms",
            "Business Intelligence",
            "Data Processing",
            "Search",
            "Streaming Analytics",
            "Other (Analytics)",
        ],
    ),
    (
        "Business Applications",
        &["Productivity and Collaboration", "Other (Business Applications)"],
    ),
    (
        "Compute",
        &[
            "Containers",
            "End User Computing",
            "Quantum Compute",
            "Serverless Compute",
            "Virtual Machines",
            "Other (Compute)",
        ],
    ),
    (
        "Databases",
        &[
            "Caching",
            "Data Warehouses",
            "Ledger Databases",
            "NoSQL Databases",
            "Relational Databases",
            "Time Series Databases",
            "Other (Databases)",
        ],
    ),
    (
        "Developer Tools",
        &[
            "Developer Platforms",
            "Continuous Integration and Deployment",
            "Development Environments",
            "Source Code Management",
            "Quality Assurance",
            "Other (Developer Tools)",
        ],
    ),
    (
        "Identity",
        &["Identity and Access Management", "Other (Identity)"],
    ),
    (
        "Integration",
        &[
            "API Management",
            "Messaging",
            "Workflow Orchestration",
            "Other (Integration)",
        ],
    ),
    (
        "Internet of Things",
        &["IoT Analytics", "IoT Platforms", "Other (Internet of Things)"],
    ),
    (
        "Management and Governance",
        &[
            "Architecture",
            "Compliance",
            "Cost Management",
            "Data Governance",
            "Disaster Recovery",
            "Endpoint Management",
            "Observability",
            "Support",
            "Other (Management and Governance)",
        ],
    ),
    (
        "Media",
        &[
            "Content Creation",
            "Gaming",
            "Media Streaming",
            "Mixed Reality",
            "Other (Media)",
        ],
    ),
    (
        "Migration",
        &["Data Migration", "Resource Migration", "Other (Migration)"],
    ),
    ("Mobile", &["Other (Mobile)"]),
    ("Multicloud", &["Multicloud Integration", "Other (Multicloud)"]),
    (
        "Networking",
        &[
            "Application Networking",
            "Content Delivery",
            "Network Connectivity",
            "Network Infrastructure",
            "Network Routing",
            "Network Security",
            "Other (Networking)",
        ],
    ),
    (
        "Security",
        &[
            "Secret Management",
            "Security Posture Management",
            "Threat Detection and Response",
            "Other (Security)",
        ],
    ),
    (
        "Storage",
        &[
            "Backup Storage",
            "Block Storage",
            "File Storage",
            "Object Storage",
            "Storage Platforms",
            "Other (Storage)",
        ],
    ),
    ("Web", &["Application Platforms", "Other (Web)"]),
    ("Other", &["Other (Other)"]),
];

/// Categories of charges.
pub(crate) const CHARGE_CATEGORIES: &[&str] = &["Adjustment", "Credit", "Purchase", "Tax", "Usage"];

/// How often a charge comes.
pub(crate) const FREQUENCIES: &[&str] = &["One-Time", "Recurring", "Usage-Based"];

/// How something was priced.
pub(crate) const PRICING_CATEGORIES: &[&str] = &["Committed", "Dynamic", "Other", "Standard"];

/// Whether a commitment or reservation was used.
pub(crate) const STATUSES: &[&str] = &["Unused", "Used"];

/// What a commitment is over.
pub(crate) const COMMITMENTS: &[&str] = &["Spend", "Usage"];

/// Codes of ISO 4217, in one text.
const CURRENCIES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWL";

/// Whether it is a currency's code.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && CURRENCIES.split(' ').any(|code| code == text)
}

/// The one category that has this subcategory.
pub(crate) fn category_of(subcategory: &str) -> Option<&'static str> {
    let found = SERVICES.iter().find(|(_, own)| own.contains(&subcategory));
    found.map(|(category, _)| *category)
}
