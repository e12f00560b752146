#include "ui/suggest_words.h"

void suggest_say_how(const struct suggestion *s, struct text *out) {
    text_add(out, "%d batches probed, loss %.3g, accuracy %.1f %%; ", s->batches, s->loss,
             100 * s->accuracy);
    if (s->head_epochs > 0)
        text_add(out, "%s head was trained first for %d epoch%s, in a copy; ",
                 s->new_head ? "the new" : "the", s->head_epochs, s->head_epochs == 1 ? "" : "s");
    else if (s->untrained)
        text_add(out, "nothing is pretrained; ");
    else if (s->new_head)
        text_add(out, "the head is new and untrained, which distorts all gradients below it; ");
    text_add(out, "no update kept");
}

static bool head_alone(const struct suggestion *s) {
    for (int i = 0; i < s->parts.count; i++)
        if (s->rows[i].chosen && !s->parts.items[i].head)
            return false;
    return true;
}

void suggest_say_advice(const struct suggestion *s, struct text *out) {
    if (s->untrained)
        text_add(out, "everything, as nothing is pretrained");
    else if (head_alone(s))
        text_add(out,
                 "the head alone: below it the batches share %.0f %% of the gradient, so each asks "
                 "for a change of its own",
                 s->alignment > 0 ? 100 * s->alignment : 0);
    else
        text_add(out,
                 "the head, and what has at least %.0f %% of the largest gradient relative to its "
                 "weights below it",
                 100 * SUGGEST_NEAR);
}

double suggest_share_of_full(const struct suggestion *s, int row) {
    const struct plan_cost *one = &s->rows[row].cost, *full = &s->full;
    return (one->forward - s->rows[row].spared + one->data + one->weight) /
           (full->forward + full->data + full->weight);
}

// The part below the head with the largest of a number; 0: relative gradient, 1: signal to noise.
static int leader(const struct suggestion *s, int which) {
    int best = -1;
    double most = 0;
    for (int i = 0; i < s->parts.count; i++) {
        double value = which ? s->rows[i].snr : s->rows[i].relative;
        if (s->parts.items[i].head || (best >= 0 && value <= most))
            continue;
        best = i;
        most = value;
    }
    return best;
}

static void say_gradient(const struct suggestion *s, int row, struct text *out) {
    int first = leader(s, 0);
    double most = s->rows[first].relative;
    if (row == first)
        text_add(out, "the largest relative gradient");
    else
        text_add(out, "%.0f %% of the largest relative gradient",
                 most > 0 ? 100 * s->rows[row].relative / most : 0);
    if (row == leader(s, 1))
        text_add(out, ", the clearest signal");
    if (s->alignment < SUGGEST_SHARED && !s->untrained)
        text_add(out, ", but the batches disagree");
}

void suggest_say_reason(const struct suggestion *s, int row, struct text *out) {
    if (s->parts.items[row].head)
        text_add(out, "%s",
                 s->new_head ? "new, so trained in any case"
                             : "gives the answers: trained in any case");
    else
        say_gradient(s, row, out);
    text_add(out, "; a step costs %.0f %% of one with everything thawed",
             100 * suggest_share_of_full(s, row));
}
