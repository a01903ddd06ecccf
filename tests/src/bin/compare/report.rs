//! The figures as a person reads them, and as a program does.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::Arguments;
use crate::machine::Machine;
use crate::measure::Sample;
use crate::scenario::Scenario;
use crate::start::Start;
use crate::summary::Summary;

/// Everything that was measured.
pub struct Report<'a> {
    machine: &'a Machine,
    arguments: &'a Arguments,
    columns: Vec<Column>,
    starts: &'a [Start],
}

/// One scenario's rounds.
struct Column {
    scenario: Scenario,
    samples: Vec<Sample>,
}

impl Column {
    fn summary(&self, figure: impl Fn(&Sample) -> f64) -> Summary {
        Summary::of(self.samples.iter().map(figure))
    }

    fn cpu(&self) -> Summary {
        self.summary(|sample| sample.cpu_us)
    }
}

impl<'a> Report<'a> {
    pub fn new(
        machine: &'a Machine,
        arguments: &'a Arguments,
        scenarios: &[Scenario],
        samples: &[(Scenario, Sample)],
        starts: &'a [Start],
    ) -> Self {
        let of = |scenario| samples.iter().filter(move |(of, _)| *of == scenario).map(|(_, sample)| *sample).collect();
        let columns = scenarios.iter().map(|scenario| Column { scenario: *scenario, samples: of(*scenario) }).collect();
        Self { machine, arguments, columns, starts }
    }

    pub fn markdown(&self) -> String {
        let mut text = self.conditions();
        text += "\n| | CPU us/request | lowest | x nginx | x nginx + Lua | requests/s | p99 ms | RSS MiB | spread: CPU | \
                 requests/s | p99 | others' CPU |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        for column in &self.columns {
            let (cpu, rate) = (column.cpu(), column.summary(|sample| sample.requests_per_second));
            let p99 = column.summary(|sample| sample.p99_ms);
            let _ = writeln!(
                text,
                "| {} | {:.1} | {:.1} | {} | {} | {:.0} | {:.2} | {:.1} | {} | {} | {} | {} |",
                column.scenario.title(),
                cpu.median,
                cpu.lowest,
                ratio(self.ratio(column, Scenario::Nginx)),
                ratio(self.ratio(column, Scenario::NginxLua)),
                rate.median,
                p99.median,
                column.summary(|sample| sample.resident).median,
                percent(cpu.spread),
                percent(rate.spread),
                percent(p99.spread),
                percent(column.summary(|sample| sample.others).median),
            );
        }
        text += "\n| | start to first answer, ms | spread | idle RSS MiB |\n|---|--:|--:|--:|\n";
        for Start { scenario, milliseconds, resident } in self.starts {
            let (spread, title) = (percent(milliseconds.spread), scenario.title());
            let _ = writeln!(text, "| {title} | {:.0} | {spread} | {:.1} |", milliseconds.median, resident.median);
        }
        text
    }

    pub fn json(&self) -> Value {
        let column = |column: &Column| {
            json!({
                "scenario": column.scenario.id(),
                "cpu_us_per_request": column.cpu().median,
                "cpu_x_nginx": self.ratio(column, Scenario::Nginx),
                "cpu_x_nginx_lua": self.ratio(column, Scenario::NginxLua),
                "rounds": column.samples.iter().map(round).collect::<Vec<_>>(),
            })
        };
        let start = |start: &Start| {
            json!({
                "scenario": start.scenario.id(),
                "first_answer_ms": start.milliseconds.median,
                "idle_rss_mib": start.resident.median,
            })
        };
        let Machine { cores, kernel, model } = self.machine;
        json!({
            "machine": { "cores": cores, "kernel": kernel, "model": model },
            "connections": self.arguments.connections,
            "seconds": self.arguments.seconds,
            "scenarios": self.columns.iter().map(column).collect::<Vec<_>>(),
            "starts": self.starts.iter().map(start).collect::<Vec<_>>(),
        })
    }

    fn conditions(&self) -> String {
        let Machine { cores, kernel, model } = self.machine;
        let Arguments { rounds, seconds, connections, .. } = self.arguments;
        let pinned = match cores {
            1 => "everything shares the one core".to_owned(),
            _ => format!("the gateway is pinned to core 0, upstream and wrk to core {}", cores - 1),
        };
        let others = self.columns.iter().flat_map(|column| &column.samples).map(|sample| sample.others);
        let (low, high) = others.fold((f64::MAX, 0.0_f64), |(low, high), share| (low.min(share), high.max(share)));
        format!(
            "{cores} cores, {model}, Linux {kernel}; {pinned}. One worker each, wrk with {connections} kept-alive \
             connections, 8 request headers, the keys of 1,000 consumers in turn, access logs off. Medians of {rounds} \
             interleaved rounds of {seconds} s, each gateway started afresh; spread is (highest - lowest) / median. \
             Every answer was a 2xx. Noise: others used {} to {} of the machine meanwhile.\n",
            percent(low),
            percent(high),
        )
    }

    /// CPU for each request, compared with another scenario's of this run.
    fn ratio(&self, column: &Column, to: Scenario) -> Option<f64> {
        let other = self.columns.iter().find(|column| column.scenario == to)?;
        Some(column.cpu().median / other.cpu().median)
    }
}

fn round(sample: &Sample) -> Value {
    json!({
        "requests_per_second": sample.requests_per_second,
        "cpu_us_per_request": sample.cpu_us,
        "p50_ms": sample.p50_ms,
        "p99_ms": sample.p99_ms,
        "rss_mib": sample.resident,
        "others_cpu_share": sample.others,
    })
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
