//! The usage of answers whose turn is not reported yet. The CLI tells an answer's usage with each block of it, and more
//! of its output at its end: each answer counts once, with the most that was told.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tokens::Tokens;

/// Answers of one turn that are told apart; older ones are added up, and would count twice if they were told again.
const MOST: usize = 256;

/// Answers of a turn.
#[derive(Debug, Default)]
pub struct Answers {
    older: Vec<(Option<Arc<str>>, Tokens)>,
    recent: VecDeque<Answer>,
}

#[derive(Debug)]
struct Answer {
    id: Box<str>,
    model: Option<Arc<str>>,
    tokens: Tokens,
}

impl Answers {
    /// Takes what was told of an answer. Whether that was news.
    pub fn tell(&mut self, id: &str, model: Option<&Arc<str>>, tokens: Tokens) -> bool {
        if let Some(answer) = self.recent.iter_mut().rev().find(|answer| *answer.id == *id) {
            let most = answer.tokens.most(tokens);
            let news = most != answer.tokens;
            answer.tokens = most;
            return news;
        }
        if self.recent.len() == MOST {
            self.fold_oldest();
        }
        self.recent.push_back(Answer { id: id.into(), model: model.cloned(), tokens });
        true
    }

    /// The turn was reported, with all of them.
    pub fn clear(&mut self) {
        self.older.clear();
        self.recent.clear();
    }

    /// Usage and the model that it is of.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&Arc<str>>, Tokens)> {
        let older = self.older.iter().map(|(model, tokens)| (model.as_ref(), *tokens));
        older.chain(self.recent.iter().map(|answer| (answer.model.as_ref(), answer.tokens)))
    }

    fn fold_oldest(&mut self) {
        let Some(answer) = self.recent.pop_front() else { return };
        match self.older.iter_mut().find(|(model, _)| *model == answer.model) {
            Some((_, tokens)) => *tokens = tokens.plus(answer.tokens),
            None => self.older.push((answer.model, answer.tokens)),
        }
    }
}
