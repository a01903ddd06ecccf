//! `metrics`: what a plugin counts for itself.

use wasmtime::{Error, Result};

use crate::sandbox::bindings as wit;
use crate::sandbox::bindings::metrics::Label;
use crate::sandbox::host::{Host, Stage};
use crate::telemetry::metrics::{OwnKind, OwnMetric, Series};

/// Metrics of one plugin, each value of a label counted.
const MOST_METRICS: usize = 256;

impl wit::metrics::Host for Host {
    fn counter(&mut self, name: String, help: String, labels: Vec<Label>) -> Result<u32> {
        self.declare_metric(name, help, labels, OwnKind::Counter)
    }

    fn gauge(&mut self, name: String, help: String, labels: Vec<Label>) -> Result<u32> {
        self.declare_metric(name, help, labels, OwnKind::Gauge)
    }

    fn histogram(&mut self, name: String, help: String, labels: Vec<Label>, bounds: Vec<f64>) -> Result<u32> {
        self.declare_metric(name, help, labels, OwnKind::Histogram(bounds))
    }

    fn add(&mut self, counter: u32, more: u64) -> Result<()> {
        let worker = self.worker;
        is_of_its_kind(self.series(counter)?.add(worker, more))
    }

    fn set(&mut self, gauge: u32, value: f64) -> Result<()> {
        is_of_its_kind(self.series(gauge)?.set(value))
    }

    fn observe(&mut self, histogram: u32, value: f64) -> Result<()> {
        let worker = self.worker;
        is_of_its_kind(self.series(histogram)?.observe(worker, value))
    }
}

fn is_of_its_kind(is: bool) -> Result<()> {
    if is { Ok(()) } else { Err(Error::msg("the handle is of a metric of another kind")) }
}

impl Host {
    fn declare_metric(&mut self, name: String, help: String, labels: Vec<Label>, kind: OwnKind) -> Result<u32> {
        if self.stage != Stage::Configure {
            return Err(Error::msg("a metric can be declared only inside `configure`"));
        }
        let declared = &mut self.declarations.metrics;
        if declared.len() >= MOST_METRICS {
            return Err(Error::msg(format!("declares more than {MOST_METRICS} metrics")));
        }
        let labels = labels.into_iter().map(|label| (label.name, label.value)).collect();
        let metric = OwnMetric::new(name, help, labels, kind)?;
        for other in declared.iter() {
            if other.is_same_series(&metric) {
                return Err(Error::msg(format!(
                    "the metric `{}` is declared twice with the same labels",
                    metric.name()
                )));
            }
            if other.name() == metric.name() && other.kind() != metric.kind() {
                return Err(Error::msg(format!("the metric `{}` is declared as two kinds", metric.name())));
            }
        }
        let handle = declared.len();
        // A handle has to mean the same in every instance.
        if let Some(kept) = &self.plugin.kept
            && kept.series.get(handle).is_none_or(|series| *series.metric() != metric)
        {
            return Err(Error::msg(format!(
                "the metric `{}` was not declared when the plugin was loaded",
                metric.name()
            )));
        }
        declared.push(metric);
        Ok(u32::try_from(handle).expect("there are not so many"))
    }

    fn series(&self, handle: u32) -> Result<&Series> {
        if self.stage == Stage::Configure {
            return Err(Error::msg("nothing can be counted inside `configure`"));
        }
        let kept = self.plugin.kept.as_ref();
        let series = kept.and_then(|kept| kept.series.get(handle as usize));
        series.map(|series| &**series).ok_or_else(|| Error::msg("the handle is of no metric"))
    }
}
