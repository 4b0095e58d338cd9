//! The totals of a session by model: what has come since the report before, where that is known.

use std::sync::Arc;

use super::tokens::{Cost, Tokens};
use super::used::ModelUsage;

/// What a session had used, by model, when it was last reported in this run.
#[derive(Debug, Default)]
pub struct SessionTotals(Option<(Arc<str>, Vec<ModelUsage>)>);

impl SessionTotals {
    /// Takes the totals of a report, and what of them has come since the one before. `used` is that in all models; the
    /// session `began` in this run, or had used something before that nobody knows by model.
    pub fn report(&mut self, id: &Arc<str>, totals: &[ModelUsage], used: Tokens, began: bool) -> Vec<ModelUsage> {
        let before = self.0.replace((Arc::clone(id), totals.to_vec()));
        match before.filter(|(session, _)| session == id) {
            Some((_, before)) => totals.iter().map(|total| since(total, &before)).collect(),
            None if began => totals.to_vec(),
            None => match totals {
                [only] => vec![ModelUsage { model: Arc::clone(&only.model), tokens: used, cost: None }],
                // By which model, nobody knows.
                _ => vec![ModelUsage { model: "".into(), tokens: used, cost: None }],
            },
        }
    }
}

fn since(total: &ModelUsage, before: &[ModelUsage]) -> ModelUsage {
    let Some(before) = before.iter().find(|before| before.model == total.model) else { return total.clone() };
    let cost = total.cost.map(|cost| Cost(cost.0.saturating_sub(before.cost.unwrap_or_default().0)));
    ModelUsage { model: Arc::clone(&total.model), tokens: total.tokens.beyond(before.tokens), cost }
}
