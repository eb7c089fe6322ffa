/* Durations, paths, the catalogue, and where settings come from. */
#include "cli/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/commands.h"

static void
reads_durations(void **state)
{
    (void)state;
    assert_int_equal(run_duration("90"), 90);
    assert_int_equal(run_duration("90s"), 90);
    assert_int_equal(run_duration("10m"), 600);
    assert_int_equal(run_duration("8h"), 28800);
    assert_int_equal(run_duration("366d"), 366 * 86400);
    static const char *const bad[] = {"",     "0",    "h",   "8x",        "8hh",      "-1",
                                      "1.5h", "367d", " 8h", "999999999", "99999999d"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(run_duration(bad[i]), 0);
    }
}

static void
escapes_paths(void **state)
{
    (void)state;
    char *path = run_path("endpoints", "02:00/..?x=1 端", NULL);
    assert_string_equal(path, "/api/v1/endpoints/02:00%2F..%3Fx%3D1%20%E7%AB%AF");
    free(path);
    path = run_path("containments", "X", "release");
    assert_string_equal(path, "/api/v1/containments/X/release");
    free(path);
}

static void
speaks_japanese(void **state)
{
    (void)state;
    unsetenv("LC_MESSAGES");
    setenv("LC_ALL", "", 1);
    setenv("LANG", "ja_JP.UTF-8", 1);
    assert_int_equal(catalog_language(), LANGUAGE_JA);
    setenv("LC_ALL", "C.UTF-8", 1); /* counts more than LANG */
    assert_int_equal(catalog_language(), LANGUAGE_EN);
    assert_string_equal(catalog_text(LANGUAGE_JA, "ENDPOINT"), "端末");
    assert_string_equal(catalog_text(LANGUAGE_EN, "ENDPOINT"), "ENDPOINT");
    assert_string_equal(catalog_text(LANGUAGE_JA, "not in the catalogue"), "not in the catalogue");
}

/* The server's sentences by their codes; what people wrote, and --json, as it came. */
static void
translates_answers(void **state)
{
    static const char text[] =
        "{\"items\":[{\"reason\":\"nobody known\",\"hold_detail\":\"nobody known\","
        "\"hold_detail_said\":{\"code\":\"hold.nobody\",\"values\":[]},"
        "\"says\":[\"a\",\"no end\"],\"says_said\":[null,{\"code\":\"hold.resolver\"},3],"
        "\"odd_said\":{\"code\":7}}]}";
    struct run run = {.language = LANGUAGE_JA};
    (void)state;
    cJSON *json = cJSON_Parse(text);
    cJSON *item = cJSON_GetObjectItem(json, "items")->child;
    run.options.json = true;
    run_translate(&run, json);
    assert_string_equal(cJSON_GetObjectItem(item, "hold_detail")->valuestring, "nobody known");
    run.options.json = false;
    run_translate(&run, json);
    assert_string_equal(cJSON_GetObjectItem(item, "reason")->valuestring, "nobody known");
    assert_string_equal(cJSON_GetObjectItem(item, "hold_detail")->valuestring,
                        "該当する端末が特定できません");
    assert_string_equal(cJSON_GetObjectItem(item, "says")->child->valuestring, "a");
    cJSON_Delete(json);
}

static char folder[64];

static int
setup(void **state)
{
    static const char *const names[] = {"CORDON_URL", "CORDON_TOKEN", "CORDON_TOKEN_FILE",
                                        "CORDON_CA"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        unsetenv(names[i]);
    }
    snprintf(folder, sizeof(folder), "/tmp/cordon-cli-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int
teardown(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/token", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/cordonctl.yaml", folder);
    unlink(path);
    return rmdir(folder);
}

static void
options_then_environment_then_file(void **state)
{
    char file[128], token[128], text[512], why[512];
    (void)state;
    snprintf(file, sizeof(file), "%s/cordonctl.yaml", folder);
    snprintf(token, sizeof(token), "%s/token", folder);
    assert_int_equal(file_write_atomic(token, "cordon_abc\n", 11, 0600), 0);
    snprintf(text, sizeof(text), "url: https://file:8443\nca: /ca.pem\ntoken_file: %s\n", token);
    assert_int_equal(file_write_atomic(file, text, strlen(text), 0600), 0);
    struct settings settings = {0};
    assert_int_equal(settings_complete(&settings, file, why), 0);
    assert_string_equal(settings.url, "https://file:8443");
    assert_string_equal(settings.ca, "/ca.pem");
    assert_string_equal(settings.token, "cordon_abc");
    setenv("CORDON_URL", "https://environment:8443", 1);
    setenv("CORDON_TOKEN", "cordon_env", 1);
    settings = (struct settings){.ca = "/option.pem"};
    assert_int_equal(settings_complete(&settings, file, why), 0);
    assert_string_equal(settings.url, "https://environment:8443");
    assert_string_equal(settings.ca, "/option.pem");
    assert_string_equal(settings.token, "cordon_env");
    /* A token file named on the command line counts more than the environment's token. */
    settings = (struct settings){0};
    snprintf(settings.token_file, sizeof(settings.token_file), "%s", token);
    assert_int_equal(settings_complete(&settings, file, why), 0);
    assert_string_equal(settings.token, "cordon_abc");
}

static void
says_what_is_wrong(void **state)
{
    char file[128], why[512];
    (void)state;
    snprintf(file, sizeof(file), "%s/cordonctl.yaml", folder);
    assert_int_equal(file_write_atomic(file, "url: x\ncolour: red\n", 19, 0600), 0);
    struct settings settings = {0};
    assert_int_not_equal(settings_complete(&settings, file, why), 0);
    assert_non_null(strstr(why, "cordonctl.yaml:2"));
    assert_int_equal(file_write_atomic(file, "{}\n", 3, 0600), 0);
    settings = (struct settings){.url = "http://plain:80"};
    assert_int_not_equal(settings_complete(&settings, file, why), 0);
    assert_non_null(strstr(why, "https"));
    settings = (struct settings){.token_file = "/nonexistent/token"};
    assert_int_not_equal(settings_complete(&settings, file, why), 0);
    assert_non_null(strstr(why, "/nonexistent/token"));
}

static void
commands_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        assert_ptr_equal(command_find(command_table[i].name), &command_table[i]);
        assert_non_null(command_table[i].run);
        assert_true(command_table[i].least <= command_table[i].most);
    }
    assert_null(command_find("nothing"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(escapes_paths),
        cmocka_unit_test(speaks_japanese),
        cmocka_unit_test(translates_answers),
        cmocka_unit_test_setup_teardown(options_then_environment_then_file, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, setup, teardown),
        cmocka_unit_test(commands_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
