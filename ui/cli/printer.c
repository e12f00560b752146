#include "ui/cli/printer.h"
#include "base/files.h"
#include "base/text.h"
#include "session/record.h"
#include "ui/cli/figures_table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void clear_line(struct printer *p) {
    if (p->line_shown)
        fputs("\r\033[K", p->out);
    p->line_shown = false;
}

static void print_data(struct printer *p, const struct training_data *d) {
    char text[32];
    fprintf(p->out, "data     %s: %d to learn from, %d to validate on, %d to test on; ",
            d->train->name, d->train->count, d->validation ? d->validation->count : 0,
            d->test ? d->test->count : 0);
    if (d->train->vocabulary > 0)
        fprintf(p->out, "at most %d tokens, of %s", d->train->shape.h,
                text_count((uint64_t)d->train->vocabulary, text));
    else
        fputs(shape_text(d->train->shape, text), p->out);
    if (p->tokens)
        fputs("; labels are passed over\n", p->out);
    else
        fprintf(p->out, "; %d classes\n", d->train->classes);
}

static int groups_of(const struct dataset *d) {
    return d ? dataset_group_count(d) : 0;
}

static void print_groups(struct printer *p, const struct training_data *d) {
    if (d->train->groups)
        fprintf(
            p->out,
            "groups   %d to learn from, %d to validate on, %d to test on; none in two of them\n",
            groups_of(d->train), groups_of(d->validation), groups_of(d->test));
}

static void print_source_data(struct printer *p, const struct training_data *d) {
    if (d->source)
        fprintf(p->out, "old task %s: %d samples; %s\n", d->source->name, d->source->count,
                d->source_old ? "the old head on the network's features" : "the network as it is");
}

static void print_thawed(struct printer *p, const struct training *t) {
    char thawed[32], all[32], bytes[32];
    size_t thawed_count = freeze_thawed_count(&training_settings(t)->flags);
    size_t count = model_trainable_count(t->model);
    struct plan *full = setup_full_plan(t->model, training_settings(t)->bn, &t->plan->options);
    const struct plan_cost *now = &t->plan->cost, *most = &full->cost;
    fprintf(p->out, "thawed   %s of %s parameters (%.1f %%)", text_count(thawed_count, thawed),
            text_count(count, all), 100.0 * (double)thawed_count / (double)count);
    if (freeze_has_statistics(t->model))
        fprintf(p->out, ", BatchNorm statistics: %s", bn_policy_name(training_settings(t)->bn));
    fputc('\n', p->out);
    fprintf(p->out, "plan     backward %.1f %% of full training's FLOPs, memory %s (full: ",
            100 * (now->data + now->weight) / (most->data + most->weight),
            text_bytes((double)now->bytes, bytes));
    fprintf(p->out, "%s)\n", text_bytes((double)most->bytes, bytes));
    if (t->schedule.count > 0)
        fprintf(p->out, "phases   %d; `thaw schedule` writes them out\n", t->schedule.count);
    if (training_settings(t)->bn == BN_TORCH)
        fprintf(p->out, "note     bn: torch: running statistics move and batches are normalised by "
                        "themselves, in frozen layers too, as in PyTorch's train()\n");
    plan_close(full);
}

void printer_start(struct printer *p, const struct setup *s, const struct training *t,
                   const char *directory) {
    p->class_names = t->data.train->class_names;
    p->source = t->data.source != NULL;
    p->tokens = model_is_language(t->model);
    if (p->style != PRINT_LINES)
        return;
    const struct experiment *e = s->experiment;
    fprintf(p->out, "thaw     %s: %s, %" PRId64 " epochs of %d steps, seed %" PRId64 "\n", e->name,
            s->model->arch, e->train.epochs, t->epoch_steps, e->seed);
    fprintf(p->out, "weights  %s\n",
            e->model.weights[0] ? e->model.weights : "from initialisation");
    struct text report = {0};
    load_report_text(&s->report, s->model, &report);
    if (report.data)
        fprintf(p->out, "%s", report.data);
    text_free(&report);
    print_data(p, &t->data);
    print_groups(p, &t->data);
    print_source_data(p, &t->data);
    print_thawed(p, t);
    if (directory)
        fprintf(p->out, "run      %s\n", directory);
    fprintf(p->out, "\n");
}

static void print_tally(struct printer *p, const struct tally *t) {
    if (t->samples)
        fprintf(p->out, "  %9.4f %6.2f %%", tally_loss(t), 100 * tally_accuracy(t));
    else
        fprintf(p->out, "  %9s %8s", "-", "-");
}

static void print_perplexity(struct printer *p, const struct tally *t) {
    if (t->samples)
        fprintf(p->out, "  %10.2f", tally_perplexity(t));
    else
        fprintf(p->out, "  %10s", "-");
}

static void print_epoch(struct printer *p, const struct record *r, int64_t epochs) {
    if (!p->header_shown)
        fprintf(p->out,
                "  epoch  train loss accuracy   val loss accuracy         lr     time%s%s\n",
                p->tokens ? "  perplexity" : "", p->source ? "  old task" : "");
    p->header_shown = true;
    fprintf(p->out, "%3" PRId64 "/%-3" PRId64, r->epoch, epochs);
    print_tally(p, &r->train);
    print_tally(p, &r->validation);
    fprintf(p->out, "%s  %9.3g  %6.2f s", r->best ? "*" : " ", p->lr, r->seconds);
    if (p->tokens)
        print_perplexity(p, &r->validation);
    if (r->source.samples)
        fprintf(p->out, "  %6.2f %%", 100 * tally_accuracy(&r->source));
    else if (p->source)
        fprintf(p->out, "  %8s", "-");
    fprintf(p->out, "\n");
}

// The figures of the last evaluation; false when there are none.
static bool open_figures(const struct printer *p, struct session *session, enum evaluated on,
                         struct figures *out) {
    struct predictions predictions;
    *out = (struct figures){0};
    if (p->tokens || !p->class_names || !session->predictions(session, on, &predictions))
        return false;
    *out = figures_of(&predictions, p->class_names);
    predictions_close(&predictions);
    return true;
}

// Epochs may be read long after the next evaluation, so only the test has the figures of classes.
static void print_json(struct printer *p, struct session *session, const struct record *r) {
    struct figures figures = {0};
    bool known = r->kind == RECORD_TEST && open_figures(p, session, EVALUATED_TEST, &figures);
    char *line = record_line(r, known ? &figures : NULL);
    fprintf(p->out, "%s\n", line);
    free(line);
    figures_close(&figures);
}

static void print_figures(struct printer *p, struct session *session, enum evaluated on) {
    struct figures figures;
    if (!open_figures(p, session, on, &figures))
        return;
    if (on == EVALUATED_VALIDATION)
        fprintf(p->out, "\nvalidation: accuracy %.2f %% of %" PRId64 " samples\n",
                100 * figures_accuracy(&figures), figures.samples);
    figures_table_print(&figures, p->out);
    figures_close(&figures);
}

static void print_test(struct printer *p, struct session *session, const struct tally *t) {
    fprintf(p->out, "\ntest     loss %.4f, ", tally_loss(t));
    if (t->tokens)
        fprintf(p->out, "perplexity %.2f, ", tally_perplexity(t));
    fprintf(p->out, "accuracy %.2f %% of %" PRId64 " %s\n", 100 * tally_accuracy(t), t->samples,
            t->tokens ? "predicted tokens" : "samples");
    print_figures(p, session, EVALUATED_TEST);
}

static void print_record(struct printer *p, struct session *session, const struct record *r,
                         int64_t epochs) {
    if (r->kind == RECORD_STEP)
        p->lr = r->result.lr;
    p->tested |= r->kind == RECORD_TEST;
    if (r->source.samples) {
        p->source_before = r->source_before;
        p->source_after = r->source;
    }
    if (p->style == PRINT_JSON) {
        print_json(p, session, r);
        return;
    }
    if (p->style == PRINT_NOTHING || r->kind == RECORD_STEP)
        return;
    clear_line(p);
    if (r->kind == RECORD_EPOCH)
        print_epoch(p, r, epochs);
    if (r->kind == RECORD_EVENT && strncmp(r->text, "thaw: ", 6) != 0)
        fprintf(p->out, "step %" PRId64 "  %s\n", r->step, r->text);
    if (r->kind == RECORD_TEST)
        print_test(p, session, &r->test);
    if (r->kind == RECORD_NOTE)
        fprintf(p->out, "note     %s\n", r->text);
}

// The training waits for nobody: what a slow reader of our output missed is told, never left out
// silently.
static void print_gap(struct printer *p, struct session *session, const struct record *next,
                      int64_t missed) {
    struct record r = {.kind = RECORD_NOTE, .step = next->step, .epoch = next->epoch};
    r.branch = next->branch;
    snprintf(r.text, sizeof r.text,
             "%" PRId64 " records are missing here, as they were read too slowly; "
             "metrics.jsonl has them",
             missed);
    print_record(p, session, &r, 0);
}

static void print_progress(struct printer *p, const struct snapshot *s) {
    if (!p->live || s->state != SESSION_RUNNING)
        return;
    clear_line(p);
    fprintf(p->out,
            "epoch %" PRId64 "/%" PRId64 "  step %" PRId64 "/%" PRId64
            "  loss %.4f  accuracy %.1f %%  gradient %.3g  %.0f samples/s",
            s->epoch, s->epochs, s->step, s->total, tally_loss(&s->running),
            100 * tally_accuracy(&s->running), s->last.gradient_norm, s->images_per_second);
    p->line_shown = true;
    fflush(p->out);
}

void printer_update(struct printer *p, struct session *session) {
    struct record records[64];
    struct snapshot s;
    int count;
    session->look(session, &s);
    for (int64_t next = p->cursor; (count = session->read(session, &p->cursor, records, 64)) > 0;
         next = p->cursor) {
        if (p->cursor - next > count)
            print_gap(p, session, &records[0], p->cursor - next - count);
        for (int i = 0; i < count; i++)
            print_record(p, session, &records[i], s.epochs);
    }
    print_progress(p, &s);
    fflush(p->out);
}

static void print_source(struct printer *p) {
    const struct tally *before = &p->source_before, *after = &p->source_after;
    if (before->samples && after->samples)
        fprintf(p->out, "\nold task accuracy %.2f %% before, %.2f %% after\n",
                100 * tally_accuracy(before), 100 * tally_accuracy(after));
}

// Without validation samples there is no best.
static void print_weights(struct printer *p, const char *directory) {
    char *best = files_join(directory, "best.safetensors");
    if (files_exist(best))
        fprintf(p->out, "weights  %s, %s/last.safetensors\n", best, directory);
    else
        fprintf(p->out, "weights  %s/last.safetensors\n", directory);
    free(best);
}

void printer_end(struct printer *p, struct session *session, const char *directory,
                 double seconds) {
    struct snapshot s;
    session->look(session, &s);
    clear_line(p);
    if (p->style != PRINT_LINES)
        return;
    if (s.state == SESSION_FINISHED && !p->tested)
        print_figures(p, session, EVALUATED_VALIDATION);
    print_source(p);
    if (s.state == SESSION_FINISHED)
        fprintf(p->out, "done     in %.1f s; frozen tensors verified unchanged\n", seconds);
    if (s.state == SESSION_STOPPED)
        fprintf(p->out, "stopped  after step %" PRId64 "; go on with: thaw run --resume %s\n",
                s.step, directory);
    if (s.state == SESSION_FINISHED && directory)
        print_weights(p, directory);
}
