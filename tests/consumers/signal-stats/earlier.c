/* A program of an earlier release: what it prints depends on the library alone. */

#include <signal_stats.h>
#include <stdio.h>

int main(void)
{
    const double values[] = {1.0, 2.0, 4.0, 8.0, 16.0};
    const double probabilities[] = {0.5, 1.0};
    double scratch[5], quantiles[2], mean = 0.0, variance = 0.0;
    SignalStats *stats = NULL;
    SignalStatsSketch *sketch = NULL;

    printf("new %d\n", signal_stats_new(NULL, &stats));
    printf("mean %d\n", signal_stats_mean(stats, values, 5, &mean));
    printf("variance %d\n", signal_stats_variance(stats, values, 5, 1, &variance));
    printf("quantiles %d\n", signal_stats_quantiles(stats, values, 5, probabilities, 2, 0, scratch, 5, quantiles, 2));
    printf("%.17g %.17g %.17g %.17g\n", mean, variance, quantiles[0], quantiles[1]);
    printf("sketch %d\n", signal_stats_sketch_new(stats, 12, &sketch));
    printf("add %d\n", signal_stats_sketch_add(sketch, values, 5));
    signal_stats_free(stats);
    printf("quantiles %d\n", signal_stats_sketch_quantiles(sketch, probabilities, 2, quantiles, 2));
    printf("%d\n", quantiles[1] > 15.9 && quantiles[1] < 16.1);
    printf("null %d\n", signal_stats_sketch_add(sketch, NULL, 1));
    signal_stats_sketch_free(sketch);
    return 0;
}
