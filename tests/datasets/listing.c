#include "datasets/listing.h"

#include "directory.h"
#include "pictures.h"
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *root, const char *name) {
    put_file(root, name, "x", 1);
}

static void mkdir_in(const char *root, const char *name) {
    char *path = files_join(root, name);
    assert_true(files_make_directory(path, NULL));
    free(path);
}

static void check(const struct listing *l, int i, const char *root, const char *name, int label,
                  enum data_part part) {
    char *path = files_join(root, name);
    assert_true(i < l->count);
    assert_string_equal(l->items[i].path, path);
    assert_int_equal(l->items[i].label, label);
    assert_int_equal(l->items[i].part, part);
    free(path);
}

static void refuses(const char *path, const char *text) {
    struct listing l;
    struct error e = {0};
    assert_false(listing_open(&l, path, &e));
    listing_close(&l);
    assert_int_equal(e.kind, ERROR_REQUEST);
    if (!strstr(e.text, text))
        fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

// The order of torchvision 0.14's ImageFolder for this tree.
static void a_folder_for_each_class(void **state) {
    const char *root = *state;
    static const char *const names[] = {"b/2.png",     "b/10.JPG",  "b/d/1.jpg", "b/d-e/1.jpg",
                                        "b/d/e/1.jpg", "Zoo/x.pgm", "a/é.jpg",   "a/\xff.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(root, names[i]);
    put(root, "b/.hidden.jpg");
    put(root, ".git/x.jpg");
    put(root, "b/notes.txt");
    put(root, "loose.jpg");
    struct listing l;
    struct error e = {0};
    if (!listing_open(&l, root, &e))
        fail_msg("%s", e.text);
    assert_int_equal(l.class_count, 3);
    assert_string_equal(l.classes[0], "Zoo");
    assert_string_equal(l.classes[2], "b");
    assert_int_equal(l.count, 8);
    check(&l, 0, root, "Zoo/x.pgm", 0, PART_TRAIN);
    check(&l, 1, root, "a/é.jpg", 1, PART_TRAIN);
    check(&l, 2, root, "a/\xff.jpg", 1, PART_TRAIN);
    check(&l, 3, root, "b/10.JPG", 2, PART_TRAIN);
    check(&l, 4, root, "b/2.png", 2, PART_TRAIN);
    check(&l, 5, root, "b/d/1.jpg", 2, PART_TRAIN);
    check(&l, 6, root, "b/d-e/1.jpg", 2, PART_TRAIN);
    check(&l, 7, root, "b/d/e/1.jpg", 2, PART_TRAIN);
    listing_close(&l);
}

static void train_val_and_test(void **state) {
    const char *root = *state;
    put(root, "test/b/1.jpg");
    put(root, "train/a/1.jpg");
    put(root, "train/b/1.jpg");
    put(root, "val/b/2.jpg");
    struct listing l;
    struct error e = {0};
    if (!listing_open(&l, root, &e))
        fail_msg("%s", e.text);
    assert_int_equal(l.class_count, 2);
    assert_int_equal(l.count, 4);
    check(&l, 2, root, "val/b/2.jpg", 1, PART_VALIDATION);
    check(&l, 3, root, "test/b/1.jpg", 1, PART_TEST);
    listing_close(&l);
    put(root, "val/c/1.jpg");
    refuses(root, "/val/c: training has no class of this name");
    // With other folders beside it, train is a class like them.
    put(root, "plane/1.jpg");
    put(root, "train/1.jpg");
    assert_true(listing_open(&l, root, &e));
    assert_int_equal(l.class_count, 4);
    listing_close(&l);
}

static void says_what_is_wrong_with_a_tree(void **state) {
    const char *root = *state;
    refuses("nowhere", "nowhere: cannot read it (No such file");
    refuses(root, "no folders in it; a folder for each class");
    put(root, "file.txt");
    char *path = files_join(root, "file.txt");
    refuses(path, "neither a folder nor a .csv file");
    put(root, "a/1.jpg");
    put(root, "b/1.tiff");
    refuses(root, "/b: no picture of this class (names ending in .jpg");
    put(root, "b/1.jpg");
    free(path);
    path = files_join(root, "b/loop");
    assert_int_equal(symlink("../b", path), 0);
    refuses(root, "b/loop: the link leads back to a folder that it lies in; remove the link");
    assert_int_equal(unlink(path), 0);
    // A link to another class is no loop.
    assert_int_equal(symlink("../a", path), 0);
    struct listing l;
    struct error e = {0};
    assert_true(listing_open(&l, root, &e));
    assert_int_equal(l.count, 3);
    listing_close(&l);
    free(path);
    put(root, "\xff/1.jpg");
    refuses(root, "/?: the name of this class is not UTF-8; rename the folder");
}

static char *put_csv(const char *root, const char *text) {
    put_file(root, "list.csv", text, strlen(text));
    return files_join(root, "list.csv");
}

static void reads_csv(void **state) {
    const char *root = *state;
    char *path = put_csv(root, "\xef\xbb\xbf"
                               "path,age,label,split\r\n\"a, \"\"b\"\".jpg\",3,rose,train\r\n"
                               "x/2.jpg,4,daisy,test\n\n/abs.jpg,5,daisy,train\n3.jpg,1,rose,val");
    struct listing l;
    struct error e = {0};
    if (!listing_open(&l, path, &e))
        fail_msg("%s", e.text);
    assert_int_equal(l.class_count, 2);
    assert_string_equal(l.classes[0], "daisy");
    check(&l, 0, root, "a, \"b\".jpg", 1, PART_TRAIN);
    assert_string_equal(l.items[1].path, "/abs.jpg");
    check(&l, 2, root, "3.jpg", 1, PART_VALIDATION);
    check(&l, 3, root, "x/2.jpg", 0, PART_TEST);
    listing_close(&l);
    free(path);
    path = put_csv(root, "1.jpg,10\n2.jpg,9\n3.jpg,10\n");
    assert_true(listing_open(&l, path, &e));
    assert_string_equal(l.classes[0], "9");
    assert_int_equal(l.items[0].label, 1);
    listing_close(&l);
    free(path);
}

static void numbers_groups_by_their_names(void **state) {
    char *path = put_csv(*state, "path,label,split,group\n1.jpg,a,test,p9\n2.jpg,a,train,p1\n"
                                 "3.jpg,b,train,\"p, 1\"\n4.jpg,b,train,p1\n");
    struct listing l;
    struct error e = {0};
    if (!listing_open(&l, path, &e))
        fail_msg("%s", e.text);
    static const int groups[] = {1, 0, 1, 2}; // "p, 1" < "p1" < "p9"
    for (int i = 0; i < 4; i++)
        assert_int_equal(l.items[i].group, groups[i]);
    listing_close(&l);
    free(path);
    path = put_csv(*state, "1.jpg,a\n2.jpg,b\n");
    assert_true(listing_open(&l, path, &e));
    assert_int_equal(l.items[1].group, -1);
    listing_close(&l);
    free(path);
}

static void says_what_is_wrong_with_a_csv(void **state) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "no picture for training in it"},
        {"path,label\n", "no picture for training in it"},
        {"a.jpg,x\nb.jpg\n", "list.csv:2: a path, a comma and a label would be right"},
        {"a.jpg,x\n,y\n", "list.csv:2: a path, a comma and a label"},
        {"a.jpg,x,y\n", "list.csv:1: a path, a comma and a label would be right; for more columns"},
        {"path,label,split\na,b,c\n", "list.csv:2: the split must be train, val or test"},
        {"path,label,split\na,b,train\nc,d,val\n", "training has no class \"d\", but "},
        {"a.jpg,\"x\n", "list.csv:1: a quoted field that does not end"},
        {"\"a\"b,x\n", "list.csv:1: text behind a quoted field"},
        {"a.jpg,\xff\n", "list.csv:1: the label is not UTF-8"},
        {"path,label,group\na,b,\n", "list.csv:2: the group is empty; a patient"},
        {"path,label,group\na,b\n", "list.csv:2: the group is empty"},
        {"path,label,group\na,b,\xff\n", "list.csv:2: the group is not UTF-8"},
        {"group,path,label,split\nz,a,b,val\np1,a,b,test\nz,a,b,val\np1,c,b,train\n",
         "list.csv: group \"p1\" is in test (line 3) and in train (line 5); a group belongs in one "
         "split"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = put_csv(*state, cases[i].text);
        refuses(path, cases[i].error);
        free(path);
    }
}

// Files as they are named, and of folders what is a picture by its name or by its content.
static void lists_without_labels(void **state) {
    const char *root = *state;
    put(root, "in/b.jpg");
    put(root, "in/a/x.PNG");
    put(root, "in/notes.txt");
    put(root, "in/.hidden.jpg");
    put_file(root, "in/picture", "P6 1 1 255\nabc", 14);
    put(root, "odd");
    mkdir_in(root, "empty");
    char *paths[] = {files_join(root, "odd"), files_join(root, "in"), files_join(root, "empty"),
                     files_join(root, "none")};
    struct listing l;
    struct error e = {0};
    if (!listing_unlabelled(&l, paths, 2, &e))
        fail_msg("%s", e.text);
    assert_int_equal(l.count, 4);
    assert_int_equal(l.class_count, 0);
    check(&l, 0, root, "odd", -1, PART_TRAIN);
    check(&l, 1, root, "in/b.jpg", -1, PART_TRAIN);
    check(&l, 2, root, "in/picture", -1, PART_TRAIN);
    check(&l, 3, root, "in/a/x.PNG", -1, PART_TRAIN);
    listing_close(&l);
    assert_false(listing_unlabelled(&l, paths, 3, &e));
    assert_non_null(strstr(e.text, "empty: no picture in this folder"));
    listing_close(&l);
    assert_false(listing_unlabelled(&l, paths + 3, 1, &e));
    assert_non_null(strstr(e.text, "none: cannot read it (No such file"));
    listing_close(&l);
    for (int i = 0; i < 4; i++)
        free(paths[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_folder_for_each_class),        IN_DIRECTORY(train_val_and_test),
        IN_DIRECTORY(says_what_is_wrong_with_a_tree), IN_DIRECTORY(reads_csv),
        IN_DIRECTORY(says_what_is_wrong_with_a_csv),  IN_DIRECTORY(numbers_groups_by_their_names),
        IN_DIRECTORY(lists_without_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
