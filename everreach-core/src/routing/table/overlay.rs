//! Laying a file over a table: first the rows for many actions, then the exact ones, then the aliases.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::json::{Member, Source};
use super::nearest;
use super::parse::{Pattern, Prefix, Row, TableFile};
use crate::routing::{Route, RouteMatch};
use crate::{ActionName, Result};

/// The rules of a table.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Exact rows.
    pub(super) routes: BTreeMap<ActionName, Arc<Route>>,
    /// Rows `service.*`, by service.
    pub(super) prefixes: BTreeMap<String, Prefix>,
    /// The row `*`.
    pub(super) everything: Option<Prefix>,
    /// Other spellings, as written: the target may be another alias.
    pub(super) aliases: BTreeMap<ActionName, ActionName>,
}

impl Rules {
    /// No rows at all.
    pub(super) const fn empty() -> Self {
        Self { routes: BTreeMap::new(), prefixes: BTreeMap::new(), everything: None, aliases: BTreeMap::new() }
    }

    /// The route of a name that has no exact row.
    pub(super) fn without_row(&self, action: &ActionName) -> Route {
        let mut route = Route::unlisted(action.clone());
        if let Some(prefix) = self.prefixes.get(action.service()).or(self.everything.as_ref()) {
            route.matched = RouteMatch::Prefix;
            route.preferred_env = prefix.preferred_env;
            route.fallback_env = prefix.fallback_env;
            route.class = prefix.class;
        }
        route
    }

    /// Where following the aliases from here ends; `None` when they lead in a circle.
    pub(super) fn end_of_aliases<'a>(&'a self, name: &'a ActionName) -> Option<&'a ActionName> {
        let mut end = name;
        for _ in 0..=self.aliases.len() {
            match self.aliases.get(end) {
                Some(next) => end = next,
                None => return Some(end),
            }
        }
        None
    }

    /// Lays the file over these rules. Its first mistake refuses it whole.
    pub(super) fn overlay(mut self, text: &str, origin: &str) -> Result<Self> {
        let source = Source::new(text, origin)?;
        let file = TableFile::read(&source)?;
        for row in &file.routes {
            self.lay_prefix(&source, row)?;
        }
        for row in &file.routes {
            self.lay_route(&source, row)?;
        }
        self.lay_aliases(&source, &file.aliases)?;
        for row in &file.routes {
            self.check_not_hidden(&source, row)?;
        }
        Ok(self)
    }

    fn lay_prefix(&mut self, source: &Source<'_>, row: &Row<'_>) -> Result<()> {
        let before = match &row.pattern {
            Pattern::Exact(_) => return Ok(()),
            Pattern::Service(service) => self.prefixes.get(service).copied(),
            Pattern::Everything => self.everything,
        };
        let mut prefix = before.unwrap_or_default();
        row.apply_to_prefix(source, &mut prefix)?;
        match &row.pattern {
            Pattern::Service(service) => drop(self.prefixes.insert(service.clone(), prefix)),
            _ => self.everything = Some(prefix),
        }
        Ok(())
    }

    /// A row on a known action keeps the fields it does not state; a new one starts from what the name had without it.
    fn lay_route(&mut self, source: &Source<'_>, row: &Row<'_>) -> Result<()> {
        let Pattern::Exact(action) = &row.pattern else { return Ok(()) };
        let mut route = self.routes.get(action).map_or_else(|| self.without_row(action), |route| Route::clone(route));
        route.matched = RouteMatch::Exact;
        row.apply(source, &mut route)?;
        self.routes.insert(action.clone(), Arc::new(route));
        Ok(())
    }

    fn lay_aliases(&mut self, source: &Source<'_>, aliases: &[Member<'_>]) -> Result<()> {
        let mut laid = Vec::with_capacity(aliases.len());
        for member in aliases {
            let alias: ActionName = member.name.parse().map_err(|error| {
                member.error(source, "aliases", "an alias is a name `service.topic`, in lower_snake_case").with_source(error)
            })?;
            let target: ActionName = member.value(source, "aliases", "an alias stands for a name `service.topic`")?;
            if alias == target {
                return Err(member.error(source, "aliases", "an alias cannot stand for itself"));
            }
            if self.routes.contains_key(&alias) {
                let message = "an alias cannot have the name of a row, which it would hide; remove one of the two";
                return Err(member.error(source, "aliases", message));
            }
            self.aliases.insert(alias.clone(), target);
            laid.push((member, alias));
        }
        for (member, alias) in laid {
            let Some(end) = self.end_of_aliases(&alias) else {
                return Err(member.wrong_value(source, "aliases", "these aliases lead in a circle; let one of them name a row"));
            };
            if !self.routes.contains_key(end) {
                let error = member.wrong_value(source, "aliases", "no row has the name that this alias stands for");
                let near = nearest::names(end, self.routes.keys());
                return Err(if near.is_empty() { error } else { error.with("did_you_mean", near.join(" ")) });
            }
        }
        Ok(())
    }

    fn check_not_hidden(&self, source: &Source<'_>, row: &Row<'_>) -> Result<()> {
        let Pattern::Exact(action) = &row.pattern else { return Ok(()) };
        match self.aliases.get(action) {
            None => Ok(()),
            Some(target) => {
                let message = "this name is an alias, which would hide the row; write the row for the name it stands for";
                Err(row.member.error(source, "", message).with("stands_for", target))
            }
        }
    }
}
