// What predictions on labelled samples come to, beside loss and accuracy. A figure that is not
// defined (0 / 0) is NAN, and left out of the means.
//
// Of a class, its samples taken for positive and all others for negative:
//     precision = TP / (TP + FP), recall (or sensitivity) = TP / (TP + FN),
//     specificity = TN / (TN + FP), F1 = 2 TP / (2 TP + FP + FN),
//     AUROC = the share of pairs of a positive and a negative in which the positive has the higher
//     probability of the class, a tie counting half (Hanley and McNeil 1982).
// Balanced accuracy is the mean of the recalls, macro-F1 of the F1s; both are scikit-learn's
// balanced_accuracy_score and f1_score(average="macro"). The AUROC of all is the macro mean of one
// against the rest, roc_auc_score(multi_class="ovr"); of two classes, it is that of class 1.
#ifndef THAW_FIGURES_H
#define THAW_FIGURES_H

#include "training/training.h"

// "balanced accuracy 78.1 %, macro-F1 0.779, AUROC 0.9512", "-" for what is not defined. Returns
// out.
enum { SCORES_TEXT = 96 };
const char *scores_text(const struct scores *s, char out[SCORES_TEXT]);

struct class_figures {
    int64_t support, predicted; // samples of the class, and said to be of it
    double precision, recall, specificity, f1, auroc;
};

struct figures {
    int classes;
    int64_t samples, correct;
    char *const *names;             // [classes], of the caller
    int64_t *matrix;                // [label][predicted]: samples
    struct class_figures *of_class; // [classes]
    struct scores scores;
};

// `names`: of the classes; must outlive the figures. Every label is a class. Close with
// figures_close. Takes some classes x samples x log(samples).
struct figures figures_of(const struct predictions *p, char *const *names);
void figures_close(struct figures *f);

// As training_evaluate, and what the predictions come to; the scores of `out`, too. Of a language
// model, which has no classes, the figures are empty.
bool figures_evaluate(struct training *t, const struct dataset *data, struct tally *out,
                      struct predictions *predictions, struct figures *figures,
                      struct error *error);

double figures_accuracy(const struct figures *f); // NAN without samples

#endif
