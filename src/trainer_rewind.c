// Going back in time: points, and the branches that grow from them.
#include "base/xalloc.h"
#include "trainer_parts.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void tell_points(struct trainer *t) {
    int count = t->points.count;
    struct point_view *views = xcalloc((size_t)count + 1, sizeof *views);
    for (int i = 0; i < count; i++)
        views[i] = t->points.items[i].view;
    publish_points(&t->publisher, views, count);
    free(views);
}

void trainer_keep_point(struct trainer *t, bool kept) {
    struct point_view view = {
        .step = t->training->step,
        .branch = t->branch,
        .kept = kept,
        .validation_loss = t->validation_loss,
    };
    points_keep(&t->points, t->training, &view, t->run.last_event);
    tell_points(t);
}

bool trainer_rewind(struct trainer *t, int64_t step, int branch) {
    struct error error;
    int64_t before = t->training->step;
    int index = points_find(&t->points, step, branch);
    if (index < 0) {
        trainer_note(t, "there is no point at step %" PRId64 " of branch %d any more", step,
                     branch);
        return true;
    }
    if (!points_restore(&t->points, index, t->training, &error)) {
        t->error = error;
        return true;
    }
    t->forked |= step != before || branch != t->branch;
    t->rewound = index;
    t->branch = branch;
    t->state = SESSION_PAUSED;
    t->error = (struct error){0};
    t->epoch_seconds = 0;
    t->last = (struct step_result){0};
    t->validation_loss = t->points.items[index].view.validation_loss;
    publish_settings(&t->publisher, training_settings(t->training));
    trainer_note(t, "back at step %" PRId64 " of branch %d; what happens from here is a new branch",
                 step, branch);
    return true;
}

bool trainer_leave_point(struct trainer *t) {
    if (t->rewound < 0)
        return true;
    bool forked = t->forked;
    int64_t last_event = t->points.items[t->rewound].last_event;
    t->rewound = -1;
    t->forked = false;
    if (!forked)
        return true;
    t->run.scripted = t->run.script.count; // a script was the old branch's
    t->run.last_event = last_event;
    t->branch = t->run.branch = t->run.branches++;
    return trainer_event(t, "user", "rewind") && trainer_save(t);
}
