//! Compares usage by model: the report of a turn with its answers, and the totals of a session with the earlier ones.

use std::sync::Arc;

use super::tokens::{Cost, Tokens};
use super::used::ModelUsage;

/// Returns what the answers reported and the final report does not include, by model.
///
/// A model that both name is compared with itself. All others are compared as one sum, with what the report has more of
/// the former: the API may use a longer name for a model than the request.
pub fn left_out<'a>(
    report: &[ModelUsage],
    told: impl Iterator<Item = (Option<&'a Arc<str>>, Tokens)>,
) -> Vec<ModelUsage> {
    let told = by_model(told.map(|(model, tokens)| (model.cloned().unwrap_or_else(|| "".into()), tokens)));
    let report = by_model(report.iter().map(|part| (Arc::clone(&part.model), part.tokens)));
    let of = |parts: &[ModelUsage], model: &Arc<str>| {
        parts.iter().find(|part| part.model == *model).map(|part| part.tokens).unwrap_or_default()
    };
    let mut spare =
        report.iter().fold(Tokens::default(), |sum, part| sum.plus(part.tokens.beyond(of(&told, &part.model))));
    let mut left = Vec::new();
    for part in told {
        let is_named = report.iter().any(|reported| reported.model == part.model);
        let mut tokens = part.tokens.beyond(of(&report, &part.model));
        if !is_named {
            (tokens, spare) = (tokens.beyond(spare), spare.beyond(tokens));
        }
        if tokens != Tokens::default() {
            left.push(ModelUsage { model: part.model, tokens, cost: None });
        }
    }
    left
}

fn by_model(parts: impl Iterator<Item = (Arc<str>, Tokens)>) -> Vec<ModelUsage> {
    let mut sums: Vec<ModelUsage> = Vec::new();
    for (model, tokens) in parts {
        match sums.iter_mut().find(|sum| sum.model == model) {
            Some(sum) => sum.tokens = sum.tokens.plus(tokens),
            None => sums.push(ModelUsage { model, tokens, cost: None }),
        }
    }
    sums
}

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
