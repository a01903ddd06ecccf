//! The figures as a person reads them, and as a program does.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::Arguments;
use crate::findings::{Findings, table};
use crate::machine::Machine;
use crate::noise::NOISY;
use crate::peers::Peers;
use crate::scenario::Scenario;
use crate::start::Start;
use crate::subject::Subject;
use crate::summary::percent;

/// Everything that was measured.
pub struct Report<'a> {
    pub machine: &'a Machine,
    pub subject: &'a Subject,
    pub arguments: &'a Arguments,
    pub peers: Option<Peers>,
    pub sections: Vec<Findings>,
}

impl Report<'_> {
    pub fn markdown(&self) -> String {
        let mut text = self.conditions();
        if let Some(peers) = &self.peers {
            text += &self.peers(peers);
        }
        self.sections.iter().for_each(|findings| text += &findings.markdown());
        text
    }

    pub fn json(&self) -> Value {
        let Machine { cores, kernel, model } = self.machine;
        json!({
            "machine": { "cores": cores, "kernel": kernel, "model": model },
            "tollgate": self.subject.about,
            "connections": self.arguments.connections,
            "seconds": self.arguments.seconds,
            "peers": self.peers.as_ref().map(Peers::json),
            "sections": self.sections.iter().map(Findings::json).collect::<Vec<_>>(),
        })
    }

    fn conditions(&self) -> String {
        let Machine { cores, kernel, model } = self.machine;
        let Arguments { rounds, seconds, connections, .. } = self.arguments;
        let pinned = match cores {
            1 => "everything shares the one core".to_owned(),
            _ => format!("the gateway is pinned to core 0, upstream and wrk to core {}", cores - 1),
        };
        format!(
            "{cores} cores, {model}, Linux {kernel}. Tollgate: {}. If a section says nothing else: {pinned}; one worker each, \
             wrk with {connections} kept-alive connections, 8 request headers, the keys of 1,000 consumers in turn, access \
             logs off; medians of {rounds} interleaved rounds of {seconds} s, each gateway started afresh; spread is \
             (highest - lowest) / median; every answer was a 2xx, or the figure is missing and says so.\n",
            self.subject.about,
        )
    }

    fn peers(&self, peers: &Peers) -> String {
        let mut text = format!("\n## Peers\n\n{}", noise(peers));
        text += "| | CPU us/request | lowest | x nginx | x nginx + Lua | requests/s | p99 ms | RSS MiB | spread: CPU | \
                 requests/s | p99 | others' CPU |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        for column in &peers.columns {
            let (cpu, rate) = (column.cpu(), column.summary(|sample| sample.requests_per_second));
            let p99 = column.summary(|sample| sample.p99_ms);
            let _ = writeln!(
                text,
                "| {} | {:.1} | {:.1} | {} | {} | {:.0} | {:.2} | {:.1} | {} | {} | {} | {} |",
                column.scenario.title(),
                cpu.median,
                cpu.lowest,
                ratio(peers.ratio(column, Scenario::Nginx)),
                ratio(peers.ratio(column, Scenario::NginxLua)),
                rate.median,
                p99.median,
                column.summary(|sample| sample.resident).median,
                percent(cpu.spread),
                percent(rate.spread),
                percent(p99.spread),
                percent(column.summary(|sample| sample.others).median),
            );
        }
        for (scenario, why) in &peers.failures {
            let _ = writeln!(text, "| {} | **{}** | | | | | | | | | | |", scenario.title(), why.replace('\n', " "));
        }
        text.push('\n');
        for column in &peers.columns {
            if let Some(how) = column.scenario.differs() {
                let _ = writeln!(text, "- {} {how}.", column.scenario.title());
            }
        }
        text.push('\n');
        text += &table(&peers.targets());
        text += "\n| | start to first answer, ms | spread | idle RSS MiB |\n|---|--:|--:|--:|\n";
        for Start { scenario, milliseconds, resident } in &peers.starts {
            let (spread, title) = (percent(milliseconds.spread), scenario.title());
            let _ = writeln!(text, "| {title} | {:.0} | {spread} | {:.1} |", milliseconds.median, resident.median);
        }
        text
    }
}

/// How much others used, and whether it makes the figures worthless.
fn noise(peers: &Peers) -> String {
    let others: Vec<f64> =
        peers.columns.iter().flat_map(|column| &column.samples).map(|sample| sample.others).collect();
    if others.is_empty() {
        return "Nobody was measured.\n\n".to_owned();
    }
    let (low, high) = others.iter().fold((f64::MAX, 0.0_f64), |(low, high), share| (low.min(*share), high.max(*share)));
    let mut text = format!("Noise: others used {} to {} of the machine meanwhile", percent(low), percent(high));
    let noisy = others.iter().filter(|share| **share > NOISY).count();
    if noisy > 0 {
        let (all, much) = (others.len(), percent(NOISY));
        let _ = write!(text, ", **more than {much} in {noisy} of {all} samples: take the figures as hints**");
    }
    text + ".\n\n"
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}
