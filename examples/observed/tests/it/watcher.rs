//! A subscriber that keeps what it is told.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The fields of a span or an event, with its name and level.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// How often the span was entered.
    pub(crate) entered: usize,
    /// Whether the span has ended.
    pub(crate) closed: bool,
}

impl Told {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Kept {
    spans: BTreeMap<u64, Told>,
    events: Vec<(Level, Told)>,
}

#[derive(Clone, Default)]
pub(crate) struct Watcher(Arc<Mutex<Kept>>);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watcher {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut told = Told { name: span.name().to_owned(), ..Told::default() };
        told.parent = span.parent().map(|parent| parent.name().to_owned());
        attributes.record(&mut Fields(&mut told.fields));
        let key = self.key(id, &context);
        self.0.lock().unwrap().spans.insert(key, told);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.change(id, &context, |told| values.record(&mut Fields(&mut told.fields)));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.change(id, &context, |told| told.entered += 1);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.change(&id, &context, |told| told.closed = true);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut Fields(&mut told.fields));
        told.name = told.fields.remove("message").unwrap_or_default();
        told.parent = context.event_span(event).map(|span| span.name().to_owned());
        self.0.lock().unwrap().events.push((*event.metadata().level(), told));
    }
}

/// Tells apart spans whose ids the registry uses again.
#[derive(Clone, Copy)]
struct Number(u64);

impl Watcher {
    fn key<S: Subscriber + for<'a> LookupSpan<'a>>(
        &self,
        id: &Id,
        context: &Context<'_, S>,
    ) -> u64 {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        if let Some(Number(number)) = extensions.get_mut::<Number>() {
            return *number;
        }
        let number = self.0.lock().unwrap().spans.len() as u64;
        extensions.insert(Number(number));
        number
    }

    fn change<S: Subscriber + for<'a> LookupSpan<'a>>(
        &self,
        id: &Id,
        context: &Context<'_, S>,
        change: impl FnOnce(&mut Told),
    ) {
        let key = self.key(id, context);
        if let Some(told) = self.0.lock().unwrap().spans.get_mut(&key) {
            change(told);
        }
    }

    /// Runs `f` on this thread with a watcher, which it gets too.
    pub(crate) fn watching<R>(f: impl FnOnce(&Self) -> R) -> R {
        let watcher = Self::default();
        let subscriber = Registry::default().with(watcher.clone());
        tracing::subscriber::with_default(subscriber, || f(&watcher))
    }

    /// Returns the spans that were opened, in order.
    pub(crate) fn spans(&self) -> Vec<Told> {
        self.0.lock().unwrap().spans.values().cloned().collect()
    }

    /// Returns the events of that name.
    pub(crate) fn events(&self, name: &str) -> Vec<(Level, Told)> {
        let events = &self.0.lock().unwrap().events;
        events.iter().filter(|(_, told)| told.name == name).cloned().collect()
    }
}
