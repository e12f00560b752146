// Flags of a model: rules, the BatchNorm policy, and what a module's flags amount to.

#include "model/freeze.h"
#include "base/text.h"
#include "base/xalloc.h"
#include <stdlib.h>
#include <string.h>

static const char *const policy_names[] = {"frozen", "batch", "torch"};

const char *bn_policy_name(enum bn_policy policy) {
    return policy_names[policy];
}

bool bn_policy_find(const char *name, enum bn_policy *policy) {
    static const enum bn_policy all[] = {BN_FROZEN, BN_BATCH, BN_TORCH};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, bn_policy_name(all[i])) != 0)
            continue;
        *policy = all[i];
        return true;
    }
    return false;
}

const char *freeze_state_name(enum freeze_state state) {
    static const char *const names[] = {"frozen", "thawed", "mixed", "empty"};
    return names[state];
}

bool freeze_is_statistic(const struct param *param) {
    return param->kind == PARAM_STATISTIC || param->kind == PARAM_COUNTER;
}

bool freeze_has_statistics(const struct model *model) {
    for (int p = 0; p < model->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            return true;
    return false;
}

static void set_storage(struct flags *flags, int storage, bool thawed) {
    for (int p = 0; p < flags->model->param_count; p++)
        if (flags->model->params[p].storage == storage)
            flags->thawed[p] = thawed;
}

void freeze_set(struct flags *flags, int param, bool thawed) {
    const struct model *model = flags->model;
    if (!freeze_is_statistic(&model->params[param])) {
        set_storage(flags, model->params[param].storage, thawed);
        return;
    }
    const struct module *module = &model->modules[model->params[param].module];
    for (int p = module->first_param; p < module->first_param + module->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            set_storage(flags, model->params[p].storage, thawed);
}

// A rule taken apart. Its text has single blanks between words.
struct rule {
    char *text;
    bool thaw;
    const char *pattern; // into text
};

static char *single_blanks(const char *text) {
    static const char blanks[] = " \t\r\n\v\f";
    char *result = xmalloc(strlen(text) + 1), *to = result;
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t length = strcspn(text, blanks);
        if (to > result)
            *to++ = ' ';
        memcpy(to, text, length);
        to += length;
        text += length;
    }
    *to = '\0';
    return result;
}

static bool is_word(const char *text, size_t length, const char *word) {
    return length == strlen(word) && !strncmp(text, word, length);
}

static bool read_rule(struct rule *rule, const char *text, struct error *error) {
    static const char form[] = "a rule is 'thaw PATTERN' or 'freeze PATTERN'";
    rule->text = single_blanks(text);
    size_t verb = strcspn(rule->text, " ");
    rule->thaw = is_word(rule->text, verb, "thaw");
    if (!rule->thaw && !is_word(rule->text, verb, "freeze"))
        return error_set(error, "rule '%s' begins with neither thaw nor freeze: %s", rule->text,
                         form);
    if (!rule->text[verb])
        return error_set(error, "rule '%s' has no pattern: %s", rule->text, form);
    rule->pattern = rule->text + verb + 1;
    if (strchr(rule->pattern, ' '))
        return error_set(error, "rule '%s' has more than one pattern: give each a rule of its own",
                         rule->text);
    return true;
}

// What a name is asked to become, by the last rule that hits it.
struct request {
    const char *rule; // NULL: nothing asked
    bool thaw;
};

static bool moves_statistics(enum bn_policy policy, const struct rule *rule) {
    return freeze_names_statistics(rule->pattern) || policy == BN_BATCH ||
           (policy == BN_FROZEN && !rule->thaw);
}

static bool ask(const struct model *model, enum bn_policy policy, const struct rule *rule,
                const char *text, struct request *requests, struct error *error) {
    bool *hit = xcalloc((size_t)model->param_count, sizeof *hit);
    bool matched = freeze_match(model, rule->pattern, hit, error);
    for (int p = 0; matched && p < model->param_count; p++)
        if (hit[p] && (!freeze_is_statistic(&model->params[p]) || moves_statistics(policy, rule)))
            requests[p] = (struct request){text, rule->thaw};
    free(hit);
    return matched || error_prefix(error, "rule '%s': ", rule->text);
}

static bool ask_all(const struct model *model, enum bn_policy policy, const char *const *rules,
                    int count, struct request *requests, struct error *error) {
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        struct rule rule = {0};
        good = read_rule(&rule, rules[i], error) &&
               ask(model, policy, &rule, rules[i], requests, error);
        free(rule.text);
    }
    return good;
}

static bool tie_error(const struct model *model, const struct request *requests, int a, int b,
                      struct error *error) {
    char *rule_a = single_blanks(requests[a].rule), *rule_b = single_blanks(requests[b].rule);
    error_set(error,
              "%s and %s are one tensor, but rule '%s' meets the one and rule '%s' the other: "
              "freeze or thaw both",
              model->params[a].name, model->params[b].name, rule_a, rule_b);
    free(rule_a);
    free(rule_b);
    return false;
}

static bool check_ties(const struct model *model, const struct request *requests,
                       struct error *error) {
    for (int b = 0; b < model->param_count; b++)
        for (int a = model->params[b].storage; a < b; a++)
            if (model->params[a].storage == model->params[b].storage && requests[a].rule &&
                requests[b].rule && requests[a].thaw != requests[b].thaw)
                return tie_error(model, requests, a, b, error);
    return true;
}

static struct request *requests_of(const struct model *model, enum bn_policy policy,
                                   const char *const *rules, int count, struct error *error) {
    struct request *requests = xcalloc((size_t)model->param_count, sizeof *requests);
    if (ask_all(model, policy, rules, count, requests, error) && check_ties(model, requests, error))
        return requests;
    free(requests);
    return NULL;
}

static void grant(struct flags *flags, const struct request *requests) {
    for (int p = 0; p < flags->model->param_count; p++)
        if (requests[p].rule)
            freeze_set(flags, p, requests[p].thaw);
}

bool freeze_apply(struct flags *flags, enum bn_policy policy, const char *rule,
                  struct error *error) {
    struct request *requests = requests_of(flags->model, policy, &rule, 1, error);
    if (!requests)
        return false;
    grant(flags, requests);
    free(requests);
    return true;
}

bool freeze_apply_all(struct flags *flags, enum bn_policy policy, const char *const *rules,
                      int count, struct error *error) {
    struct request *requests = requests_of(flags->model, policy, rules, count, error);
    if (!requests)
        return false;
    for (int p = 0; p < flags->model->param_count; p++)
        flags->thawed[p] = policy == BN_TORCH && freeze_is_statistic(&flags->model->params[p]);
    grant(flags, requests);
    free(requests);
    return true;
}

// Of a module's own parameters.
static bool learns(const struct flags *flags, const struct module *module) {
    for (int p = module->first_param; p < module->first_param + module->param_count; p++)
        if (flags->thawed[p] && !freeze_is_statistic(&flags->model->params[p]))
            return true;
    return false;
}

void freeze_policy(struct flags *flags, enum bn_policy policy) {
    const struct model *model = flags->model;
    for (int p = 0; p < model->param_count; p++)
        if (freeze_is_statistic(&model->params[p]))
            flags->thawed[p] =
                policy == BN_TORCH ||
                (policy == BN_BATCH && learns(flags, &model->modules[model->params[p].module]));
}

struct tally {
    int thawed, all;
};

static void tally_add(struct tally *tally, bool thawed) {
    tally->thawed += thawed;
    tally->all++;
}

enum freeze_state freeze_state(const struct flags *flags, int module) {
    const struct model *model = flags->model;
    struct tally trained = {0}, statistics = {0};
    for (int m = module; m < model->modules[module].end; m++) {
        const struct module *own = &model->modules[m];
        for (int p = own->first_param; p < own->first_param + own->param_count; p++)
            tally_add(freeze_is_statistic(&model->params[p]) ? &statistics : &trained,
                      flags->thawed[p]);
    }
    struct tally tally = trained.all ? trained : statistics;
    if (tally.all == 0)
        return STATE_EMPTY;
    if (tally.thawed == 0)
        return STATE_FROZEN;
    return tally.thawed == tally.all ? STATE_THAWED : STATE_MIXED;
}

size_t freeze_thawed_count(const struct flags *flags) {
    size_t count = 0;
    for (int p = 0; p < flags->model->param_count; p++) {
        const struct param *param = &flags->model->params[p];
        if (param->storage == p && flags->thawed[p] && !freeze_is_statistic(param))
            count += param->count;
    }
    return count;
}
