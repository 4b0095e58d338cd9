//! The usage of answers whose turn has not been reported yet. The CLI reports an answer's usage with each of its
//! blocks, and more output at its end: each answer counts once, with the highest number that was reported.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::MODELS;
use super::tokens::Tokens;

/// Answers of one turn that are kept apart; older ones are added up, and would count twice if they were reported again.
const MOST: usize = 256;

#[derive(Debug, Default)]
pub struct Answers {
    /// Sums by model, of at most [`MODELS`] models.
    older: Vec<(Option<Arc<str>>, Tokens)>,
    /// The sum of models that had no room.
    rest: Tokens,
    recent: VecDeque<ToldAnswer>,
}

#[derive(Debug)]
struct ToldAnswer {
    id: Box<str>,
    model: Option<Arc<str>>,
    tokens: Tokens,
}

impl Answers {
    /// Takes what was reported of an answer, and returns whether it is new.
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
        self.recent.push_back(ToldAnswer { id: id.into(), model: model.cloned(), tokens });
        true
    }

    pub fn clear(&mut self) {
        self.older.clear();
        self.recent.clear();
        self.rest = Tokens::default();
    }

    pub fn rest(&self) -> Tokens {
        self.rest
    }

    pub fn iter(&self) -> impl Iterator<Item = (Option<&Arc<str>>, Tokens)> {
        let older = self.older.iter().map(|(model, tokens)| (model.as_ref(), *tokens));
        older.chain(self.recent.iter().map(|answer| (answer.model.as_ref(), answer.tokens)))
    }

    fn fold_oldest(&mut self) {
        let Some(answer) = self.recent.pop_front() else { return };
        let has_room = self.older.len() < MODELS;
        match self.older.iter_mut().find(|(model, _)| *model == answer.model) {
            Some((_, tokens)) => *tokens = tokens.plus(answer.tokens),
            None if has_room => self.older.push((answer.model, answer.tokens)),
            None => self.rest = self.rest.plus(answer.tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answers: &mut Answers, id: usize, model: &str) {
        answers.tell(&id.to_string(), Some(&model.into()), Tokens { output: 1, ..Tokens::default() });
    }

    fn sum(answers: &Answers) -> u64 {
        answers.iter().map(|(_, tokens)| tokens.output).sum::<u64>() + answers.rest().output
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let mut answers = Answers::default();
        for id in 0..5000 {
            told(&mut answers, id, &format!("made-up-{id}"));
        }
        assert_eq!(sum(&answers), 5000);
        assert_eq!((answers.recent.len(), answers.older.len()), (MOST, MODELS));
        assert_eq!(answers.iter().count(), MOST + MODELS);
        answers.clear();
        assert_eq!((sum(&answers), answers.iter().count()), (0, 0));
    }

    #[test]
    fn models_that_have_room_are_told_apart() {
        let mut answers = Answers::default();
        for id in 0..MODELS * 20 {
            told(&mut answers, id, &format!("model-{}", id % MODELS));
        }
        assert_eq!((answers.older.len(), answers.rest()), (MODELS, Tokens::default()));
        assert_eq!(sum(&answers), (MODELS * 20) as u64);
    }

    #[test]
    fn only_the_most_recent_are_told_apart() {
        let mut answers = Answers::default();
        for id in 0..=MOST {
            told(&mut answers, id, "m");
        }
        told(&mut answers, 1, "m");
        assert_eq!(sum(&answers), MOST as u64 + 1, "the oldest that is kept counts once");
        told(&mut answers, 0, "m");
        assert_eq!(sum(&answers), MOST as u64 + 2, "one that was added up counts again");
    }
}
