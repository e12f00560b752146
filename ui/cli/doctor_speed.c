// How long a step of the demonstration takes here: measured, not looked up.
#include "models/experiments.h"
#include "ui/cli/doctor.h"
#include "ui/setup.h"
#include "ui/timing.h"

static bool add_steps(struct doctor *d, struct training *t, struct error *error) {
    static const struct {
        const char *name, *setting;
    } ways[] = {
        {"step, head", "only head"},
        {"step, first block", "only conv1; thaw bn1; thaw layer1"},
        {"step, all", "thaw all"},
    };
    int64_t batch = t->experiment->train.batch;
    for (int i = 0; i < 3; i++) {
        double seconds = 0;
        if (!training_apply(t, ways[i].setting, error) || !timing_step(t, &seconds, error))
            return false;
        double rate = (double)batch / seconds;
        struct fact *f = doctor_add(d, ways[i].name, FACT_OK, NULL, "%.*f ms, %.0f images/s",
                                    seconds < 0.1, 1000 * seconds, rate);
        f->milliseconds = 1000 * seconds;
        f->images_per_second = rate;
    }
    return true;
}

static bool measure(struct doctor *d, struct experiment *e, struct error *error) {
    struct setup setup;
    if (!setup_open(&setup, e, 0, error))
        return false;
    struct training *t = setup_training(&setup, error);
    bool ok = t && add_steps(d, t, error);
    training_close(t);
    setup_close(&setup);
    return ok;
}

void doctor_speed(struct doctor *d) {
    const struct built_in_experiment *demonstration = &built_in_experiments[0];
    struct embedded file = demonstration->file();
    struct experiment e;
    struct error error;
    bool ok = experiment_parse(&e, (const char *)file.data, file.size, demonstration->name, &error);
    if (ok) {
        e.train.cache = 0; // what a step has to do when nothing is known yet
        ok = measure(d, &e, &error);
        experiment_close(&e);
    }
    if (!ok)
        doctor_add(d, "step", FACT_PROBLEM, NULL, "%s", error.text);
}
