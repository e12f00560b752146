#include "datasets/bpe_merge.h"

#include "base/xalloc.h"
#include <stdlib.h>

void bpe_pairs_open(struct bpe_pairs *p, size_t count) {
    size_t places = 16;
    while (places < 2 * count)
        places *= 2;
    p->pair = xmalloc(places * sizeof *p->pair);
    p->mask = places - 1;
    for (size_t i = 0; i < places; i++)
        p->pair[i].id = -1;
}

void bpe_pairs_close(struct bpe_pairs *p) {
    free(p->pair);
    *p = (struct bpe_pairs){0};
}

static struct bpe_pair *place(const struct bpe_pairs *p, int left, int right) {
    uint64_t both = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t at = (both * 0x9e3779b97f4a7c15u >> 32) & p->mask;
    while (p->pair[at].id >= 0 && (p->pair[at].left != left || p->pair[at].right != right))
        at = (at + 1) & p->mask;
    return &p->pair[at];
}

void bpe_pairs_add(struct bpe_pairs *p, struct bpe_pair pair) {
    *place(p, pair.left, pair.right) = pair;
}

const struct bpe_pair *bpe_pairs_find(const struct bpe_pairs *p, int left, int right) {
    const struct bpe_pair *found = place(p, left, right);
    return found->id >= 0 ? found : NULL;
}

// The word as a list; merged pieces drop out (id -1).
struct link {
    int id, before, after; // neighbours; -1, count: none
};

// A pair that may be merged, while its ids still stand there.
struct candidate {
    int rank, at;
    int left, right;
};

struct merging {
    const struct bpe_pairs *pairs;
    struct link *link;
    int count;
    // In one array: the heap, with the lowest rank, of equal ones the leftmost, on top; and, from
    // the other end on, what waits to be pushed.
    struct candidate *heap;
    size_t heap_count, room;
};

static bool sooner(const struct candidate *a, const struct candidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(struct merging *m, struct candidate c) {
    size_t at = m->heap_count++;
    for (; at > 0 && sooner(&c, &m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        m->heap[at] = m->heap[(at - 1) / 2];
    m->heap[at] = c;
}

static struct candidate pop(struct merging *m) {
    struct candidate top = m->heap[0], moved = m->heap[--m->heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        child += child + 1 < m->heap_count && sooner(&m->heap[child + 1], &m->heap[child]);
        if (!sooner(&m->heap[child], &moved))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = moved;
    return top;
}

// Whether the piece at `at` and the next one merge.
static bool consider(const struct merging *m, int at, struct candidate *out) {
    int next = at < 0 ? m->count : m->link[at].after;
    if (next >= m->count)
        return false;
    int left = m->link[at].id, right = m->link[next].id;
    const struct bpe_pair *pair = bpe_pairs_find(m->pairs, left, right);
    if (pair)
        *out = (struct candidate){pair->rank, at, left, right};
    return pair != NULL;
}

static bool stands(const struct merging *m, const struct candidate *c) {
    int next = m->link[c->at].after;
    return m->link[c->at].id == c->left && next < m->count && m->link[next].id == c->right;
}

static void join(struct merging *m, const struct candidate *c) {
    struct link *left = &m->link[c->at], *right = &m->link[left->after];
    left->id = bpe_pairs_find(m->pairs, c->left, c->right)->id;
    left->after = right->after;
    right->id = -1;
    if (left->after < m->count)
        m->link[left->after].before = c->at;
}

// All occurrences of the best pair; the pairs that this makes wait until all are done.
static void merge_best(struct merging *m) {
    struct candidate *waiting = m->heap + m->room;
    int rank = m->heap[0].rank;
    while (m->heap_count > 0 && m->heap[0].rank == rank) {
        struct candidate c = pop(m);
        if (!stands(m, &c))
            continue;
        join(m, &c);
        waiting -= consider(m, m->link[c.at].before, waiting - 1);
        waiting -= consider(m, c.at, waiting - 1);
    }
    while (waiting < m->heap + m->room)
        push(m, *waiting++);
}

int bpe_merge(const struct bpe_pairs *p, int *id, int count) {
    // Each join takes one piece away and brings two candidates at most.
    struct merging m = {.pairs = p, .count = count, .room = 3 * (size_t)count};
    m.link = xmalloc((size_t)count * sizeof *m.link);
    m.heap = xmalloc(m.room * sizeof *m.heap);
    for (int i = 0; i < count; i++)
        m.link[i] = (struct link){id[i], i - 1, i + 1};
    for (int i = 0; i < count; i++) {
        struct candidate c;
        if (consider(&m, i, &c))
            push(&m, c);
    }
    while (m.heap_count > 0)
        merge_best(&m);
    int kept = 0;
    for (int i = 0; i < count; i = m.link[i].after)
        id[kept++] = m.link[i].id;
    free(m.link);
    free(m.heap);
    return kept;
}
