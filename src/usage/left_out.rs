//! Holds the report of a turn against what its answers told: a report that says less cannot be all.

use std::sync::Arc;

use super::tokens::Tokens;
use super::used::ModelUsage;

/// What the answers told and the report does not hold, by model.
///
/// A model that both name is compared with itself. All others are compared as one sum, with what the report has more of
/// the former: the API may call a model by a longer name than it was asked for by.
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
