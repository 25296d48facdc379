//! Whether what is said of guards outside can be done as described.

use guard::Mode;

use crate::Problem;
use crate::address::Address;
use crate::bounds::within;
use crate::section::{Config, Connector, ConnectorKind};
use crate::validate::{at_most, name, unique};

const CONNECTORS_MAX: usize = 32;
const ENTITIES_MAX: usize = 256;

impl Config {
    // threat: ANP-D0005
    pub(crate) fn connectors_fit(&self, problems: &mut Vec<Problem>) {
        let all = &self.guards.connectors;
        at_most(problems, "guards.connectors", all.len(), CONNECTORS_MAX);
        unique(
            problems,
            "guards.connectors",
            all.iter().map(|it| it.name.as_str()),
        );
        for (i, connector) in all.iter().enumerate() {
            let path = format!("guards.connectors[{i}]");
            connector.fits(&path, problems);
            if self.asks_itself(connector) {
                connector.is_a_caller(&path, problems);
            }
        }
    }

    /// Whether a guard outside is this very gate: its address is the data listener's, or the one by which callers know it.
    #[must_use]
    pub fn asks_itself(&self, connector: &Connector) -> bool {
        let origin = |text: &str| Address::read(text).ok().map(|it| it.origin());
        let Some((host, port)) = origin(&connector.address) else {
            return false;
        };
        let public = self.listen.public_url.as_deref().and_then(origin);
        if public.is_some_and(|public| public == (host.clone(), port)) {
            return true;
        }
        let own = self.listen.data;
        let is_here = match host.parse::<std::net::IpAddr>() {
            Ok(ip) => ip == own.ip() || (ip.is_loopback() && own.ip().is_unspecified()),
            Err(_) => host == "localhost" && (own.ip().is_loopback() || own.ip().is_unspecified()),
        };
        is_here && port == own.port()
    }
}

impl Connector {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        name(problems, &format!("{path}.name"), &self.name);
        let fits = Address::read(&self.address).and_then(|it| it.permitted(self.allow_plaintext));
        if let Err(message) = fits {
            problems.push(Problem::new(format!("{path}.address"), message));
        }
        within(
            problems,
            format!("{path}.timeout_ms"),
            self.timeout_ms,
            10..=60_000,
        );
        within(
            problems,
            format!("{path}.at_once_max"),
            self.at_once_max,
            1..=1_000,
        );
        within(problems, format!("{path}.texts_max"), self.texts_max, 1..=100_000);
        within(problems, format!("{path}.cache_ms"), self.cache_ms, 0..=3_600_000);
        within(
            problems,
            format!("{path}.text_bytes_max"),
            self.text_bytes_max,
            1..=16 << 20,
        );
        if let Some(least) = self.score_min {
            within(problems, format!("{path}.score_min"), least, 1..=100);
        }
        at_most(
            problems,
            &format!("{path}.entities"),
            self.entities.len(),
            ENTITIES_MAX,
        );
        self.modes_fit(path, problems);
        self.means_something(path, problems);
    }

    /// Who asks this gate is one of its callers.
    // threat: AGP-D2
    fn is_a_caller(&self, path: &str, problems: &mut Vec<Problem>) {
        if self.kind != ConnectorKind::Judge {
            let problem = Problem::new(
                format!("{path}.address"),
                "is this gate's own, which answers calls to models alone",
            );
            problems.push(problem.hint("through the gate only a `judge` can be asked"));
        }
        if self.credential.is_none() {
            let problem = Problem::new(
                format!("{path}.credential"),
                "is missing: the address is this gate's own, which answers nobody without a key",
            );
            problems.push(problem.hint("make a virtual key for the judge alone, with a budget of its own"));
        }
    }

    /// A judgement on a whole text is no place in it.
    fn modes_fit(&self, path: &str, problems: &mut Vec<Problem>) {
        if self.input == Mode::Off && self.output == Mode::Off {
            let problem = Problem::new(
                format!("{path}.input"),
                "and `output` are both `off`: nobody would ask it",
            );
            problems.push(problem.hint("set `input` or `output` to `observe` or more"));
        }
        let judges_wholes = matches!(self.kind, ConnectorKind::OpenaiModeration | ConnectorKind::Judge);
        for (key, mode) in [("input", self.input), ("output", self.output)] {
            if judges_wholes && matches!(mode, Mode::Mask | Mode::Redact) {
                let problem = Problem::new(
                    format!("{path}.{key}"),
                    "would replace whole texts: this kind says what a text is, not where",
                );
                problems.push(problem.hint("use `observe` or `block`"));
            }
        }
    }

    /// Keys of one kind mean nothing to another.
    fn means_something(&self, path: &str, problems: &mut Vec<Problem>) {
        use ConnectorKind::{Http, Judge, OpenaiModeration, Presidio};
        let own = [
            ("model", self.model.is_some(), &[OpenaiModeration, Judge][..]),
            ("language", self.language.is_some(), &[Presidio]),
            ("entities", !self.entities.is_empty(), &[Presidio]),
            ("form", self.form.is_some(), &[Judge]),
            (
                "score_min",
                self.score_min.is_some(),
                &[Http, Presidio, OpenaiModeration],
            ),
        ];
        for (key, is_said, kinds) in own {
            if is_said && !kinds.contains(&self.kind) {
                problems.push(Problem::new(
                    format!("{path}.{key}"),
                    "means nothing to a connector of this kind",
                ));
            }
        }
        if self.kind == Judge && self.model.as_deref().is_none_or(str::is_empty) {
            problems.push(Problem::new(
                format!("{path}.model"),
                "is missing: which model judges?",
            ));
        }
    }
}
