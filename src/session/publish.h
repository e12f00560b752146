// What a session shows to its readers: the latest snapshot, and a bounded ring of records. Writers
// never wait for readers. Thread-safe.
#ifndef THAW_PUBLISH_H
#define THAW_PUBLISH_H

#include "session/snapshot.h"
#include "strategy/lr_find.h"
#include "strategy/suggest.h"
#include <pthread.h>

enum { PUBLISH_RECORDS = 4096 };

struct publisher {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct snapshot snapshot;
    struct record *ring; // [PUBLISH_RECORDS]; record number i lies at i % PUBLISH_RECORDS
    int64_t records, version;
    struct layers_snapshot layers;
    struct settings settings;
    struct predictions predictions[EVALUATED];
    struct suggestion suggestion; // rows NULL: none yet
    struct lr_find lr_find;       // lr NULL: none yet
    struct point_view *points;
    int point_count;
};

void publish_open(struct publisher *p, const struct settings *settings);
void publish_close(struct publisher *p);

void publish_snapshot(struct publisher *p, const struct snapshot *s);
void publish_record(struct publisher *p, const struct record *r);
void publish_layers(struct publisher *p, const struct layers_snapshot *l);
void publish_settings(struct publisher *p, const struct settings *s);
void publish_predictions(struct publisher *p, enum evaluated on,
                         struct predictions *taken);                    // takes over what it holds
void publish_suggestion(struct publisher *p, struct suggestion *taken); // takes it over
void publish_lr_find(struct publisher *p, struct lr_find *taken);       // takes it over
void publish_points(struct publisher *p, const struct point_view *views, int count);

// As the doors of struct session say.
void publish_look(struct publisher *p, struct snapshot *out);
int publish_read(struct publisher *p, int64_t *cursor, struct record *out, int most);
void publish_wait(struct publisher *p, int64_t *version, int milliseconds);
void publish_look_layers(struct publisher *p, struct layers_snapshot *out);
void publish_look_settings(struct publisher *p, struct settings *out);
int publish_look_points(struct publisher *p, struct point_view *out, int most);
bool publish_look_predictions(struct publisher *p, enum evaluated on, struct predictions *out);
bool publish_look_suggestion(struct publisher *p, struct suggestion *out);
bool publish_look_lr_find(struct publisher *p, struct lr_find *out);

#endif
